// From a spec to the runtime's input; fork, descriptors, and what the runtime says when it fails.
#include "container/make_container.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "container/stage.h"

namespace ebb::container {

namespace {

constexpr milliseconds kRuntimeMax{20'000};
constexpr milliseconds kGreetingMax{5'000};
constexpr uint64_t kSharedMemoryMax = uint64_t{64} << 20U;
constexpr rlim_t kDescriptorsMax = 65'536;
constexpr uint64_t kDescriptorsUsual = 1'024;
constexpr size_t kErrorBytesMax = 2'000;
constexpr uint32_t kIds = 65'536;

// A hard limit can be lowered but not raised.
uint64_t descriptors_max() {
  rlimit ours{};
  return ::getrlimit(RLIMIT_NOFILE, &ours) == 0 ? std::min(ours.rlim_max, kDescriptorsMax) : kDescriptorsUsual;
}

StageInput stage_input(const SandboxSpec& spec, const Runtime& runtime) {
  StageInput in{
      .runtime = &runtime, .id = spec.id, .root = spec.root, .hostname = spec.hostname, .host_id_base = spec.host_id_base, .uid = spec.uid, .gid = spec.gid};
  for (const BindMount& mount : spec.mounts)
    in.mounts.push_back({.source = mount.source, .destination = mount.destination});
  if (function_is_root_inside(runtime)) in.uid = in.gid = 0;
  in.config = {.uid = in.uid,
               .gid = in.gid,
               .hostname = spec.hostname,
               .tmp_bytes = spec.tmp_bytes,
               .shared_memory_bytes = std::min(spec.tmp_bytes, kSharedMemoryMax),
               .memory_bytes = spec.memory_bytes,
               .pids_max = spec.pids_max,
               .cpu_millis = spec.cpu_millis,
               .descriptors_max = descriptors_max()};
  if (runtime.root) {
    in.config.groups = spec.groups;
    in.config.uids = {{.inside = 0, .outside = spec.host_id_base, .size = kIds}};
    in.config.gids = in.config.uids;
  } else {
    in.config.uids = {{.inside = in.uid}};
    in.config.gids = {{.inside = in.gid}};
  }
  if (runtime.cgroups != CgroupKind::kNone) {
    in.config.cgroup = "/" + spec.id;
  } else {
    in.without_cgroup = {.process_bytes_max = spec.memory_bytes, .processes_max = spec.pids_max};
  }
  return in;
}

// Descriptors 0 to 4 as the runtime is to have them, and no other.
void arrange_descriptors(const Fd& error, const InitLink::TheirEnds& ends) {
  const int above = kEventsFd + 1;
  const int their_error = ::fcntl(error.get(), F_DUPFD_CLOEXEC, above);
  const int orders = ::fcntl(ends.orders.get(), F_DUPFD_CLOEXEC, above);
  const int events = ::fcntl(ends.events.get(), F_DUPFD_CLOEXEC, above);
  const int null = ::fcntl(::open("/dev/null", O_RDWR | O_CLOEXEC), F_DUPFD_CLOEXEC, above);
  const bool arranged = ::dup2(null, STDIN_FILENO) >= 0 && ::dup2(null, STDOUT_FILENO) >= 0 && ::dup2(their_error, STDERR_FILENO) >= 0 &&
                        ::dup2(orders, kOrdersFd) >= 0 && ::dup2(events, kEventsFd) >= 0 && ::syscall(SYS_close_range, above, ~0U, 0) == 0;
  if (!arranged) ::_exit(kStageFailed);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

// What is there, without waiting: the container may hold the other end.
std::string read_text(const Fd& pipe) {
  std::string text;
  char buffer[512];
  for (ssize_t count = 0; text.size() < kErrorBytesMax && (count = ::read(pipe.get(), buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(count));
  while (!text.empty() && text.back() == '\n')
    text.pop_back();
  return text;
}

Status wait_for_runtime(pid_t runtime, const Fd& error, const std::string& name) {
  const Fd process(static_cast<int>(::syscall(SYS_pidfd_open, runtime, 0)));
  const bool in_time = wait_readable(process.get(), kRuntimeMax);
  if (!in_time) ::kill(runtime, SIGKILL);
  int status = 0;
  while (::waitpid(runtime, &status, 0) < 0 && errno == EINTR) {
  }
  if (!in_time) return fail(ErrorKind::kTimeout, fmt::format("{} did not make the container within {} s", name, kRuntimeMax.count() / 1000));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
  if (WIFEXITED(status) && WEXITSTATUS(status) == kSourceMissing) return fail(ErrorKind::kNotFound, read_text(error));
  return fail(ErrorKind::kIo, fmt::format("{} could not make the container: {}", name, read_text(error)));
}

}  // namespace

Result<pid_t> make_container(const SandboxSpec& spec, const Runtime& runtime, InitLink& link) {
  Result<InitLink::TheirEnds> ends = link.open();
  if (!ends) return fail(ends.error());
  std::array<int, 2> error_ends{};
  if (::pipe2(error_ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return fail(errno_error("a pipe to the container runtime", errno));
  const Fd error(error_ends[0]);
  Fd their_error(error_ends[1]);
  const StageInput input = stage_input(spec, runtime);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) return fail(errno_error("the container runtime cannot be forked", errno));
  if (child == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(kStageFailed);
    arrange_descriptors(their_error, *ends);
    become_runtime(input);
  }
  their_error.reset();
  *ends = {};
  if (Status made = wait_for_runtime(child, error, runtime.version); !made) return fail(made.error());
  Result<pid_t> init = link.greet(kGreetingMax);
  if (!init) return fail(init.error().with_context(read_text(error)));
  return init;
}

}  // namespace ebb::container
