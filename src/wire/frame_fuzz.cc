// Any bytes as what a worker, the spawner or the server sends: frames are cut within their bounds however the bytes arrive, and every
// body is parsed as every message, since the type is the sender's choice.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "wire/frame.h"
#include "wire/spawner.pb.h"
#include "wire/worker.pb.h"

namespace {

using ebb::wire::Frame;
using ebb::wire::FrameReader;

constexpr size_t kBodyMax = 4096;

// The frames up to the first error, fed in pieces of the size.
std::vector<Frame> cut(std::string_view bytes, size_t piece) {
  FrameReader reader(kBodyMax);
  std::vector<Frame> frames;
  while (!bytes.empty()) {
    const size_t count = std::min(piece, bytes.size());
    reader.feed(bytes.substr(0, count));
    bytes.remove_prefix(count);
    for (;;) {
      auto next = reader.next();
      if (!next) return frames;
      if (!next->has_value()) break;
      EBB_CHECK((*next)->body.size() <= kBodyMax);
      frames.push_back(std::move(**next));
    }
  }
  return frames;
}

template <class Message>
void parse_as_one(const Frame& frame) {
  Message message;
  if (!message.ParseFromString(frame.body)) return;
  Message again;
  EBB_CHECK(again.ParseFromString(message.SerializeAsString()));
}

template <class... Messages>
void parse_as(const Frame& frame) {
  (parse_as_one<Messages>(frame), ...);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  namespace pb = ebb::wire::pb;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const std::vector<Frame> whole = cut(bytes, bytes.size());
  const std::vector<Frame> dribbled = cut(bytes, 1);
  EBB_CHECK(whole.size() == dribbled.size());
  for (size_t i = 0; i < whole.size(); ++i) {
    EBB_CHECK(whole[i].type == dribbled[i].type && whole[i].stream == dribbled[i].stream && whole[i].body == dribbled[i].body);
    EBB_CHECK(ebb::wire::encode_frame(whole[i].type, whole[i].stream, whole[i].body).size() == ebb::wire::kFrameHeaderBytes + whole[i].body.size());
    parse_as<pb::Load, pb::Unpark, pb::Resize, pb::Threads, pb::Execute, pb::Blank, pb::Progress, pb::Ready, pb::LoadFailed, pb::Started, pb::Text,
             pb::Finished, pb::Refused, pb::Log, pb::Spawn, pb::Kill, pb::Pool, pb::Spawned, pb::Exited, pb::Sandbox>(whole[i]);
  }
  return 0;
}
