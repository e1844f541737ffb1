// Several calls that together are one answer (the choices of a chat), read as one stream of events.
//
// Lives on the server's loop. When the reader goes away, or one of them fails, the rest is left.
#pragma once

#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "invoke/call_stream.h"

namespace ebb::invoke {

class CallStreams {
 public:
  explicit CallStreams(std::vector<std::shared_ptr<CallStream>> streams);
  ~CallStreams();  // as leave()
  CallStreams(const CallStreams&) = delete;
  CallStreams& operator=(const CallStreams&) = delete;

  // Nothing came for as long as the reader wanted to wait.
  struct Silence {};
  struct Event {
    size_t stream = 0;
    domain::CallEvent event;
  };
  using Next = std::variant<Silence, Event>;
  // The next event of any; nullopt when all have ended, or the reader's coroutine was cancelled. One reader at a time.
  io::Task<std::optional<Next>> next(std::optional<milliseconds> at_most = std::nullopt);
  void leave();
  // After the end of all of them: waits until each has its usage. False: not so in time.
  io::Task<bool> settled(milliseconds at_most);

  const CallStream& operator[](size_t index) const { return *streams_[index]; }
  size_t size() const { return streams_.size(); }

 private:
  std::vector<std::shared_ptr<CallStream>> streams_;
  size_t turn_ = 0;  // who is looked at first, so that none starves
};

}  // namespace ebb::invoke
