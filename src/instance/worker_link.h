// The server's view of one worker process: its channel, what it was last told, and a strict reading of what it says.
//
// The worker is taken for compromised: a frame is accepted only if it is of a known type, parses, and fits what the worker was
// asked (a call that runs in it, no more text than tokens allow, sane numbers). Anything else is kCorrupt, and its end.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "domain/egress.h"
#include "instance/channel.h"
#include "instance/report.h"
#include "io/asio.h"
#include "wire/frame.h"

namespace ebb::instance {

struct WorkerLink {
  WorkerId worker;
  int pid = 0;                                             // 0: not handed over yet
  std::string container;                                   // the id of its sandbox, if it has one
  std::unique_ptr<Channel> channel;                        // empty until then
  std::vector<std::pair<wire::Frame, Fd>> before_channel;  // said before the channel was there
  bool has_function = false;
  std::optional<domain::Egress> egress;     // what its function may reach; taken once it has said how
  std::string end_reason;                   // why it was told to end …
  std::unique_ptr<io::Timer> end_deadline;  // … and when it is killed for not doing so
  std::string kill_reason;                  // why we killed it, for its WorkerGone
  std::string exit_reason;                  // how it ended, once the spawner reaped it
  bool channel_ended = false;
  std::optional<Error> own_error;  // what it said before it went

  struct Running {
    // What the call may give at most.
    int64_t tokens_max = 0;  // generated
    size_t bytes_max_per_token = 0;
    size_t vectors_wanted = 0;  // exactly so many; 0: it gives something else
    size_t labels_wanted = 0;   // likewise
    bool tensors_wanted = false;
    bool http = false;  // an HTTP answer: a head, and a body within the window

    bool started = false;
    int64_t prompt_tokens = 0;
    int64_t tokens = 0;  // counted here, as they pass
    int tool_calls = 0;  // begun so far
    size_t bytes = 0;    // of what it said
    size_t vectors = 0;
    size_t vector_values = 0;  // of each
    size_t labels = 0;
    size_t tensors = 0;
    size_t tensor_bytes = 0;       // of all
    size_t tensor_bytes_left = 0;  // of the one under way
    bool head = false;
    bool trailers = false;
    size_t window = 0;     // bytes of the body that it may still send; grows by credit
    size_t body_sent = 0;  // of the request, not yet said to be taken
  };
  static Running running_for(const domain::Call& call);
  std::map<CallId, Running> running;
};

// Turns one frame into a report (nullopt: nothing to tell). Error kCorrupt: the worker broke the protocol.
Result<std::optional<Report>> read_frame(WorkerLink& link, const wire::Frame& frame);

}  // namespace ebb::instance
