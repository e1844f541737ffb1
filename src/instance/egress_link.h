// The server's end of ebb-egress, the one process that goes out for functions: started when the first instance asks for a way out, ended with the
// last, and started again when it dies. What it says is read as strictly as what a worker says.
//
// Keeps a copy of each instance's listening socket, so that a new process has all of them: what a function connects to meanwhile waits.
// Lives on the server's loop, as long as the fleet.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/fd.h"
#include "base/ids.h"
#include "base/result.h"
#include "domain/egress.h"
#include "instance/channel.h"
#include "instance/report.h"
#include "io/asio.h"

namespace ebb::instance {

// A TCP socket that waits for connections on 127.0.0.1.
bool listens_on_loopback(const Fd& socket);

// One frame of its. Error kCorrupt.
Result<EgressEnded> read_egress_ended(const wire::Frame& frame);

class EgressLink {
 public:
  struct Hooks {
    std::function<void()> start;  // asks the spawner; started() follows
    std::function<void()> kill;   // ended() follows
    std::function<void(EgressEnded)> report;
  };
  EgressLink(io::Executor executor, Hooks hooks);

  void open(WorkerId worker, domain::Egress rule, Fd listener);
  void close(WorkerId worker);

  // From the spawner. Without a channel: `error` says why there is none.
  void started(Fd channel, const std::string& error);
  void ended(const std::string& why);

 private:
  struct Way {
    domain::Egress rule;
    Fd listener;
  };
  enum class Process { kNone, kAsked, kRuns, kEnding };

  void start_if_wanted();
  void start_later(const std::string& why);
  void say_open(WorkerId worker, const Way& way);
  io::Task<void> read(std::shared_ptr<Channel> channel);

  io::Executor executor_;
  Hooks hooks_;
  std::map<WorkerId, Way> ways_;
  Process process_ = Process::kNone;
  std::shared_ptr<Channel> channel_;  // shared with the coroutine that reads it
  io::Timer restart_;
  milliseconds pause_{0};  // before the next start; doubles with each death
  bool waits_ = false;     // for that
};

}  // namespace ebb::instance
