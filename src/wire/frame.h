// Frames between the server, the spawner and the workers: a fixed 16-byte header and a protobuf body.
//
//   0  u32  length of the body in bytes, little endian, at most the reader's cap
//   4  u16  type: the message of worker.proto or spawner.proto
//   6  u16  zero
//   8  u64  stream: the call that the frame belongs to; 0: the worker itself
//
// Pure. A reader treats its peer as hostile: anything but a known type, a length under the cap and a zero in the reserved field
// ends the conversation (kCorrupt); the body is parsed only after its length was checked.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ebb::wire {

inline constexpr size_t kFrameHeaderBytes = 16;

enum class FrameType : uint16_t {
  // server → worker
  kLoad = 1,  // with the model's descriptor attached
  kUnpark = 2,
  kPark = 3,
  kResize = 4,
  kThreads = 5,
  kExecute = 6,    // stream = call
  kCancel = 7,     // stream = call
  kInput = 8,      // stream = call: a piece of its body
  kCredit = 9,     // stream = call: so many bytes of its answer were taken
  kEnd = 11,       // of a container function: it is told to end, and so is the worker when it has
  kHold = 13,      // stream = call: it computes nothing until it is resumed, and its slot is free for another; unknown calls are passed over
  kResume = 14,    // stream = call: it goes on where it was, in a slot that is free
  kPrepared = 10,  // before kLoad, with the descriptor of what was prepared from the model attached
  kPrefixes = 12,  // before kLoad: the key of the file of saved prefixes, its descriptor attached
  // worker → server
  kBlank = 32,  // libraries loaded, waiting for kLoad
  kProgress = 33,
  kReady = 34,
  kParked = 35,
  kLoadFailed = 36,
  kStarted = 37,  // stream = call, and below
  kText = 38,
  kFinished = 39,
  kRefused = 40,
  kLog = 41,
  kVector = 42,
  kTensorStart = 43,  // its elements follow as kBytes
  kBytes = 44,
  kLabels = 45,
  kHttpHead = 46,  // the body follows as kBytes
  kTrailers = 47,
  kTaken = 48,   // so many bytes of the call's body were taken
  kEgress = 49,  // with the listening socket of its proxy inside the sandbox attached
  // server → spawner
  kSpawn = 64,
  kKill = 65,
  kPool = 66,
  // spawner → server
  kSpawned = 96,  // with the server's end of the worker's channel attached
  kExited = 97,
  kSandbox = 98,
  kContainers = 99,
  // server → ebb-egress
  kEgressOpen = 128,  // with the listening socket attached
  kEgressClose = 129,
  // ebb-egress → server
  kEgressEnded = 160,
};

struct FrameHeader {
  uint32_t length = 0;
  FrameType type{};
  uint64_t stream = 0;
};

struct Frame {
  FrameType type{};
  uint64_t stream = 0;
  std::string body;
};

std::string encode_frame(FrameType type, uint64_t stream, std::string_view body);
// Error kCorrupt: reserved bits, or a length over `body_max`. The type is not judged here.
Result<FrameHeader> decode_header(std::span<const char, kFrameHeaderBytes> bytes, size_t body_max);

// Cuts a byte stream into frames. Memory: at most one frame and what was fed beyond it.
class FrameReader {
 public:
  explicit FrameReader(size_t body_max) : body_max_(body_max) {}
  void feed(std::string_view bytes) { buffer_.append(bytes); }
  // The next whole frame; nullopt: feed more. After an error the stream is lost: end the conversation.
  Result<std::optional<Frame>> next();
  size_t buffered() const { return buffer_.size() - used_; }

 private:
  size_t body_max_;
  std::string buffer_;
  size_t used_ = 0;
};

}  // namespace ebb::wire
