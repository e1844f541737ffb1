// Looks at what is installed and what the kernel and our rights allow; tries what only a try can tell.
#include "container/runtime.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <optional>

#include "base/fd.h"
#include "container/stage.h"

namespace ebb::container {

namespace {

namespace fs = std::filesystem;

constexpr const char* kFolders[] = {"/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/bin", "/sbin"};
constexpr int kVersionPatienceMs = 5'000;

std::optional<std::string> find_program(std::string_view name) {
  for (const char* folder : kFolders) {
    std::string path = fmt::format("{}/{}", folder, name);
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return std::nullopt;
}

// crun mounts itself at a file of /tmp while it starts: where nobody else sees it, so that nothing is left if it is killed meanwhile. Where we may not do
// this, it may not mount either.
void hide_tmp() {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("", "/", "", MS_REC | MS_PRIVATE, nullptr) != 0) return;
  (void)::mount("none", "/tmp", "tmpfs", 0, nullptr);
}

// The first line of what it says; empty: it does not run.
std::string first_line_of(const std::string& program) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  const Fd out(ends[0]);
  Fd in(ends[1]);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(in.get(), STDOUT_FILENO);
    hide_tmp();
    ::execl(program.c_str(), program.c_str(), "--version", nullptr);
    ::_exit(127);
  }
  in.reset();
  std::string text;
  char buffer[512];
  pollfd readable{.fd = out.get(), .events = POLLIN, .revents = 0};
  while (text.size() < sizeof buffer && ::poll(&readable, 1, kVersionPatienceMs) == 1) {
    const ssize_t count = ::read(out.get(), buffer, sizeof buffer);
    if (count <= 0) break;
    text.append(buffer, static_cast<size_t>(count));
  }
  if (child > 0) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  return text.substr(0, text.find('\n'));
}

// "crun version 1.8.1" → "crun 1.8.1"
std::string short_version(std::string line) {
  if (const size_t at = line.find(" version "); at != std::string::npos) line.replace(at, 9, " ");
  return line;
}

bool can_make_user_namespace() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(::unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) == 0 ? 0 : 1);
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool is_there(const fs::path& path) { return ::access(path.c_str(), F_OK) == 0; }

void look_at_cgroups(Runtime& runtime) {
  const fs::path mounted = "/sys/fs/cgroup";
  const bool two = is_there(mounted / "cgroup.controllers");
  runtime.hybrid = !two && is_there(mounted / "unified/cgroup.controllers");
  const fs::path freezer = two ? mounted : mounted / "freezer";
  if (!runtime.root) {
    runtime.missing.emplace_back("no cgroups without root: memory is limited for each process and not for all together, CPU is not limited");
  } else if (::access(freezer.c_str(), W_OK) != 0) {
    runtime.missing.emplace_back("no cgroups can be made here: memory is limited for each process and not for all together, CPU is not limited");
  } else {
    runtime.cgroups = two ? CgroupKind::kV2 : CgroupKind::kV1;
    const auto needs = [&](const char* controller, const char* what) {
      if (!two && !is_there(mounted / controller))
        runtime.missing.emplace_back(fmt::format("no {} limit: the kernel's controller '{}' is off", what, controller));
    };
    needs("memory", "memory");
    needs("pids", "process");
    needs("cpu", "CPU");
  }
}

Result<std::string> find_init() {
  std::array<char, 4096> path{};
  const ssize_t length = ::readlink("/proc/self/exe", path.data(), path.size());
  const fs::path init = fs::path(std::string(path.data(), length > 0 ? static_cast<size_t>(length) : 0)).parent_path() / "ebb-init";
  if (::access(init.c_str(), X_OK) != 0)
    return fail(ErrorKind::kUnavailable, fmt::format("{} is missing: install it beside the other programs", init.string()));
  return init.string();
}

}  // namespace

std::string Runtime::text() const {
  const std::string_view groups = cgroups == CgroupKind::kNone ? "no cgroups"
                                  : cgroups == CgroupKind::kV2 ? "cgroup v2"
                                  : hybrid                     ? "cgroup v1 (hybrid)"
                                                               : "cgroup v1";
  std::string all = fmt::format("{}, {}, {}", version, groups, root ? "as root" : "as an ordinary user");
  if (missing.empty()) return all + "; nothing is missing";
  for (const std::string& each : missing)
    all += "; " + each;
  return all;
}

Result<Runtime> detect_runtime(const std::string& images) {
  Runtime runtime;
  Result<std::string> init = find_init();
  if (!init) return fail(init.error());
  runtime.init_program = std::move(*init);
  std::optional<std::string> program = find_program("crun");
  if (!program) {
    runtime.tool = Runtime::Tool::kRunc;
    program = find_program("runc");
  }
  if (!program) return fail(ErrorKind::kUnavailable, "neither crun nor runc is installed: containers need one of them (on Debian: apt-get install crun)");
  runtime.program = std::move(*program);
  runtime.version = short_version(first_line_of(runtime.program));
  if (runtime.version.empty()) return fail(ErrorKind::kUnavailable, fmt::format("{} does not run", runtime.program));
  runtime.root = ::geteuid() == 0;
  if (!can_make_user_namespace())
    return fail(ErrorKind::kUnavailable,
                "the kernel gives no user namespaces: containers need them (look at sysctl kernel.unprivileged_userns_clone and user.max_user_namespaces)");
  look_at_cgroups(runtime);
  runtime.idmapped_mounts = can_map_owners(images);
  if (runtime.root && !runtime.idmapped_mounts)
    runtime.missing.emplace_back("owners of files cannot be mapped (the kernel or the file system is too old): a function reads only what everybody may read");
  if (!runtime.root) {
    runtime.missing.emplace_back(
        function_is_root_inside(runtime)
            ? "one user inside: the function is the user who runs the server, and root by name whatever USER the image says (crun can keep it)"
            : "one user inside: the function is the user who runs the server, by the name that USER says, and owns what others own there");
  }
  return runtime;
}

}  // namespace ebb::container
