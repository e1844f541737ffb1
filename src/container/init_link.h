// The worker's end of the two sockets to ebb-init: orders with their replies, and events. Works behind the worker's seal.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string_view>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"
#include "container/init_protocol.h"

namespace ebb::container {

// Until it has something to read, or is closed at the other end. False: `patience` is over.
bool wait_readable(int fd, milliseconds patience);

class InitLink {
 public:
  struct TheirEnds {
    Fd orders;
    Fd events;
  };
  // What ebb-init is to inherit.
  Result<TheirEnds> open();

  // Waits for its first word. Returns its process id as we see it. kTimeout, kUnavailable: it does not come.
  Result<pid_t> greet(milliseconds patience);

  struct Answer {
    Reply reply;
    Fd socket;  // of the internet families, whatever was sent; else empty
  };
  // kTimeout: no answer within `patience`; if it comes later it is passed over. kUnavailable: ebb-init is gone.
  Result<Answer> ask(OrderKind kind, uint32_t value, milliseconds patience, std::string_view strings = {}, int attached = -1);
  // The two halves of ask(), for who has something to do meanwhile: the order's number, and the answer to the last order that was sent.
  Result<uint32_t> send(OrderKind kind, uint32_t value, std::string_view strings = {}, int attached = -1);
  Result<Answer> answer_to(uint32_t order, milliseconds patience);

  int events_fd() const { return events_.get(); }
  enum class Heard { kNothing, kExit, kGone };
  // Does not wait.
  Heard next_event(ExitEvent& event);

  void close();

 private:
  Fd orders_;
  Fd events_;
  uint32_t sequence_ = 0;
};

}  // namespace ebb::container
