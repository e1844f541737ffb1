// The worker's end of its channel: a stream socket that was inherited. Single-threaded; reads never wait, writes do.
//
// Writes wait because what a step said must not be lost or reordered; the server always reads, or kills us.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"
#include "wire/frame.h"

namespace ebb::worker {

class Channel {
 public:
  explicit Channel(Fd socket);

  // Waits until something can be read or the time is over; nullopt: for ever. Returns at once if the other end is gone.
  void wait(std::optional<nanoseconds> longest);
  // The next whole frame that can be had without waiting; nullopt: none now. Errors: kUnavailable when the server closed its end,
  // kCorrupt when it sends what is no frame.
  Result<std::optional<wire::Frame>> next();
  // The oldest descriptor that came along with the frames so far; an empty one if there is none.
  Fd take_attachment();
  // With a copy of `attachment`, unless that is -1. Error kUnavailable: the server is gone.
  Status write(std::string_view bytes, int attachment = -1);

 private:
  Fd socket_;
  wire::FrameReader reader_;
  std::deque<Fd> attachments_;
};

}  // namespace ebb::worker
