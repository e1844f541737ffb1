// All worker processes of this node: starts them by the spawner, speaks with them, and reports what they say as checked values.
//
// The fleet does what it is told and decides nothing, with one exception: a worker that breaks the protocol is killed at once, and
// reported as gone. Reports are pulled by one reader (next()); a verb that cannot be done any more ends in the worker's WorkerGone.
// Lives on the server's loop. Failure of the spawner: every worker is reported gone, then SpawnerGone; restart() starts a new one.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/ids.h"
#include "base/result.h"
#include "domain/endpoint.h"
#include "instance/channel.h"
#include "instance/egress_link.h"
#include "instance/report.h"
#include "instance/worker_link.h"
#include "io/asio.h"

namespace ebb::instance {

struct FleetOptions {
  std::string spawner_program;
  std::string containers;  // what the ids of containers begin with (sandbox/start_spawner.h)
};

struct StartOrder {
  WorkerId worker;
  domain::Engine engine = domain::Engine::kLlama;
  std::string model_name;
  Fd model;                                       // read-only; empty for the echo engine
  Fd prepared;                                    // what was made of it before, read-only; empty where there is nothing
  Fd prefixes;                                    // where it keeps what sequences knew, for reading and writing; empty: nowhere
  std::string prefixes_key;                       // for the seals in there
  std::optional<domain::FunctionStart> function;  // of the container engine, which has no model
  std::optional<domain::Egress> egress;           // what the function may reach; absent: nothing
  int64_t context_tokens = 0;
  uint64_t tensor_bytes_max = 0;  // domain::Revision
  int slots = 1;
  int threads = 1;
};

class Fleet {
 public:
  Fleet(io::Executor executor, FleetOptions options);
  ~Fleet();
  Fleet(const Fleet&) = delete;
  Fleet& operator=(const Fleet&) = delete;

  // Starts ebb-spawner. Called first of all by the server, while it is single-threaded; again after SpawnerGone.
  Status start_spawner();

  // So many blank workers are kept ready for the engine from now on, also by the next spawner.
  void keep_blanks(domain::Engine engine, int blanks);
  void start(StartOrder order);
  void park(WorkerId worker);
  void unpark(WorkerId worker, int slots);
  void resize(WorkerId worker, int slots);
  void set_threads(WorkerId worker, int threads);
  void kill(WorkerId worker, std::string reason);
  // The same of a worker with a function, which is told first and has so long to end; what it says until then is reported if it is a line of its log.
  void end(WorkerId worker, std::string reason, milliseconds grace);
  // All functions, by one deadline. They are gone when functions() is 0.
  void end_functions(const std::string& reason, milliseconds grace);
  size_t functions() const;
  void execute(WorkerId worker, CallId call, const domain::Call& what);
  void cancel(WorkerId worker, CallId call);
  // Of an engine that can (domain::can_hold): the call stands still, and another may have its slot; and it goes on, in a slot that is free.
  void hold(WorkerId worker, CallId call);
  void resume(WorkerId worker, CallId call);
  // A piece of the body of a call that runs there; room for so many more bytes of its answer.
  void input(WorkerId worker, CallId call, std::string_view data, bool last);
  void credit(WorkerId worker, CallId call, size_t bytes);

  // The next report, in the order in which things happened. One reader.
  io::Task<Report> next();

  // Process ids of the workers that live, for measuring their memory.
  std::vector<std::pair<WorkerId, int>> processes() const;
  // And the ids of their containers, of those that have one: most of their memory is there.
  std::map<WorkerId, std::string> containers() const;

  // Closes the spawner's channel: it kills and reaps all workers and ends. Waits for its end, at most a few seconds.
  void shut_down();

 private:
  io::Task<void> read_spawner();
  io::Task<void> read_worker(std::shared_ptr<WorkerLink> link);
  void on_spawned(const wire::Frame& frame);
  void on_exited(const wire::Frame& frame);
  void report(Report report);
  void tell(WorkerId worker, wire::FrameType type, uint64_t stream, std::string_view body);
  WorkerLink::Running* running(WorkerId worker, CallId call);
  void order_kill(WorkerId worker);
  void kill_later(const std::shared_ptr<WorkerLink>& link, milliseconds patience);
  void lose_spawner(std::string reason);
  void gone(WorkerId worker, std::string reason);
  Status take_egress(WorkerLink& link);
  Status order_blanks(domain::Engine engine, int blanks);

  io::Executor executor_;
  FleetOptions options_;
  std::unique_ptr<Channel> spawner_;
  Fd spawner_process_;  // pidfd
  int spawner_pid_ = 0;
  std::map<domain::Engine, int> blanks_;
  std::map<WorkerId, std::shared_ptr<WorkerLink>> workers_;
  EgressLink egress_;
  std::deque<Report> reports_;
  io::Timer reported_;
};

}  // namespace ebb::instance
