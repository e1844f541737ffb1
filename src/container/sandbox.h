// One sandbox for one instance of a container function: prepared ahead, then run, frozen, thawed and ended.
//
//   prepare()  namespaces, cgroup, root and network are made; ebb-init waits in them as process 1        tens of ms, needs the caller's rights
//   run()      ebb-init forks and executes the function                                                   about a millisecond, needs none
//   then       connect() into its network, events_fd() for its end, freeze() and thaw()
//
// prepare() and detect_runtime() start programs and mount: before the worker reads anything hostile, and while it has one thread. Everything
// else works on descriptors that are open by then, so it works after seal_container_worker() too. One thread at a time, none in particular.
// A frozen sandbox answers no order: thaw first.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"
#include "container/runtime.h"

namespace ebb::container {

// A file or a folder of the host that the function sees, always read-only, as if the function's user owned it; on a file system that cannot map
// owners it belongs to nobody.
struct BindMount {
  std::string source;       // absolute path
  std::string destination;  // absolute path inside, without '.' and '..'; what the image has there is hidden
};

struct SandboxSpec {
  std::string id;    // [a-z0-9-]+, at most kIdBytesMax, unique on the machine: the argument that ebb-spawner gave to the worker (lifetime.h)
  std::string root;  // absolute path of the image's unpacked root; nothing is ever written to it
  // As root: the container's ids 0..65535 are base..base+65535 outside; at least 65536, so never anybody's. Unused otherwise: then the user of
  // this process is the function's user inside, and there is no other.
  uint32_t host_id_base = 0;
  uint32_t uid = 0, gid = 0;     // of the function's process, inside
  std::vector<uint32_t> groups;  // not as an ordinary user
  uint64_t memory_bytes = 0;
  uint64_t tmp_bytes = 0;
  int pids_max = 0;    // with ebb-init
  int cpu_millis = 0;  // 0: unlimited
  std::vector<BindMount> mounts;
  std::string hostname;
};

struct Program {
  std::vector<std::string> argv;  // argv[0] without a '/' is looked for in the PATH of `env`
  std::vector<std::string> env;   // NAME=value
  std::string cwd;                // empty: /
};

struct Exited {
  int code = 0;
  int signal = 0;
};

inline constexpr milliseconds kEndMax{5'000};

struct EndOfFunction {
  enum class Why {
    kExit,
    kSignal,
    kOutOfMemory,  // the kernel killed for the memory limit
    kOutOfPids,    // it ended badly after being refused a process or thread
    kCannotStart,  // exit 126 or 127 of a shell
    kLost          // ebb-init is gone: killed from outside, or with all for lack of memory outside
  } why = Why::kExit;
  int code = 0;
  int signal = 0;
  std::string detail;  // a sentence for the person whose function it is
};

// What cannot be measured here is zero.
struct SandboxUsage {
  uint64_t memory_bytes = 0;
  uint64_t memory_peak_bytes = 0;
  uint64_t oom_kills = 0;     // since prepare()
  uint64_t pids_refused = 0;  // processes and threads that the limit refused
  nanoseconds cpu{0};         // of all processes, with ebb-init
};

class Sandbox {
 public:
  // kInvalid: the spec. kNotFound: no root, no source of a mount. kIo, kExhausted, kTimeout: what the runtime or the system said.
  static Result<Sandbox> prepare(const SandboxSpec& spec, const Runtime& runtime);

  Sandbox(Sandbox&&) noexcept;
  Sandbox& operator=(Sandbox&&) noexcept;
  // Thaws, ends all processes, and removes the cgroup as far as this process still may. Bounded by twice kEndMax. What is left is the work of
  // ebb-container-end.
  ~Sandbox();

  // Once. kNotFound, kInvalid: it cannot be executed, and why. kExhausted: no process within the limit. kTimeout, kUnavailable: ebb-init.
  Status run(const Program& program);
  // A non-blocking socket, connected to 127.0.0.1:port inside, or to [::1]:port if nobody listens there. kUnavailable: nobody does yet.
  Result<Fd> connect(uint16_t port);
  // The next connect() to this port finds its connection on the way. For who has something to do before it.
  void connect_soon(uint16_t port);
  // A non-blocking socket that listens on 127.0.0.1:port inside; port 0: any. Before run(), or the function may be there first. kExists: it is.
  Result<Fd> listen(uint16_t port);
  // To the function's process group. kNotFound: it has ended.
  Status signal(int number);
  // Readable when next_event() has something, and for ever once ebb-init is gone.
  int events_fd() const;
  // The end of the function's first process. Once ebb-init is gone: {0, SIGKILL}, once, if no end was told before.
  std::optional<Exited> next_event();
  // What the function writes to its standard output and error, non-blocking; ends when nobody in there holds it any more. Once.
  Fd take_output();
  EndOfFunction why_it_ended(const Exited& exited) const;
  // kTimeout: not all of it stood still in time; it is thawed again.
  Status freeze();
  Status thaw();
  SandboxUsage usage() const;

  // ebb-init as this process sees it.
  pid_t init_pid() const;

 private:
  struct State;
  explicit Sandbox(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

// Makes a sandbox of nothing and ends it, with this id: the proof that this machine can, for whoever reports on it. Tens of milliseconds.
Status try_sandbox(const Runtime& runtime, const std::string& id);

}  // namespace ebb::container
