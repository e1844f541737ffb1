// The server's end of a socket to the spawner or to one worker: frames out without waiting, frames in as a coroutine.
//
// The peer is taken for hostile: a bad frame, an unread backlog over kChannelBacklogMax or a closed socket ends the channel for good.
// Lives on the server's loop.
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "io/asio.h"
#include "wire/frame.h"

namespace ebb::instance {

// A request may be as large as a frame; a peer that leaves this much unread does not work any more.
inline constexpr size_t kChannelBacklogMax = 64 * 1024 * 1024;

class Channel {
 public:
  // `body_max` bounds each incoming frame.
  Channel(io::Executor executor, Fd socket, size_t body_max);
  ~Channel() { *alive_ = false; }
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;

  // Writes at once what the socket takes, keeps the rest in order; what follows in the same turn of the loop is written together after it. Error kUnavailable:
  // the peer is gone or reads nothing.
  Status send(wire::FrameType type, uint64_t stream, std::string_view body, Fd attachment = {});

  // Everything that arrived, at least one frame. Error: kUnavailable at the end of the stream, kCorrupt for a bad frame. One reader.
  io::Task<Result<std::vector<wire::Frame>>> receive();
  // The oldest descriptor that came and was not taken; empty if there is none. A message that says "attached" has come with its own.
  Fd take_attachment();

  // Ends a pending receive() too.
  void close();

 private:
  struct Outgoing {
    std::string bytes;
    size_t written = 0;
    Fd attachment;
  };

  Status write_some();
  void gather();
  void write_when_possible();
  Result<bool> read_some(std::vector<wire::Frame>& frames);

  io::LocalSocket socket_;
  wire::FrameReader reader_;
  std::deque<Outgoing> outgoing_;
  size_t backlog_bytes_ = 0;
  bool waiting_to_write_ = false;
  bool gathering_ = false;                                      // until this turn of the loop ends
  bool may_have_more_ = true;                                   // the last read filled its buffer, or the socket is readable
  std::deque<Fd> attachments_;                                  // came, and not yet taken
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // shared with what waits: false once closed
};

}  // namespace ebb::instance
