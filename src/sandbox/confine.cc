// Namespaces, identity, capabilities, limits, Landlock: in the order in which each still has the right to happen.
#include "sandbox/confine.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "sandbox/landlock.h"

namespace ebb::sandbox {

namespace {

constexpr unsigned kNobody = 65534;
constexpr int kDescriptorsMax = 64;

Layer made(std::string name, bool active, std::string detail) { return {.name = std::move(name), .active = active, .detail = std::move(detail)}; }
std::string failed(std::string_view what) { return fmt::format("{}: {}", what, std::strerror(errno)); }

// Root makes the namespace directly; a user first needs a user namespace of its own, in which it may.
Layer leave_network() {
  const bool root = ::geteuid() == 0;
  if (::unshare(root ? CLONE_NEWNET | CLONE_NEWIPC : CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWIPC) == 0)
    return made("network namespace", true, "its own, without any device");
  return made("network namespace", false, failed("the kernel refused one (system calls for sockets are refused all the same)"));
}

Layer become_nobody() {
  if (::geteuid() != 0) return made("unprivileged user", true, "it runs as the user who started the server, who is not root");
  if (::setgroups(0, nullptr) != 0 || ::setresgid(kNobody, kNobody, kNobody) != 0 || ::setresuid(kNobody, kNobody, kNobody) != 0)
    return made("unprivileged user", false, failed("root could not become nobody"));
  return made("unprivileged user", true, "root became nobody");
}

// While we may: root that has become nobody has not the right any more, but the owner of a new user namespace has.
void empty_bounding_set() {
  for (int capability = 0; capability <= CAP_LAST_CAP; ++capability)
    ::prctl(PR_CAPBSET_DROP, capability);  // fails without the right to drop: then no_new_privs alone keeps them away
}

Layer drop_capabilities() {
  ::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  __user_cap_data_struct none[2] = {};
  if (::syscall(SYS_capset, &header, none) != 0) return made("capabilities", false, failed("they could not be dropped"));
  return made("capabilities", true, "none");
}

Layer limit_resources(bool own_user_namespace, rlim_t descriptors_max, rlim_t written_bytes_max) {
  const auto limit = [](auto resource, rlim_t value) {
    const rlimit both{.rlim_cur = value, .rlim_max = value};
    return ::setrlimit(resource, &both) == 0;
  };
  // A core file would hold prompts. One byte and not none: a program that receives cores through a pipe is only held off by this value (core(5)).
  bool all = limit(RLIMIT_CORE, 1) && limit(RLIMIT_FSIZE, written_bytes_max) && limit(RLIMIT_NOFILE, descriptors_max);
  // Without a user namespace it would count what else this user runs, and a busy user's workers could not start a thread.
  if (own_user_namespace) all = limit(RLIMIT_NPROC, kThreadsMax) && all;
  if (!all) return made("resource limits", false, failed("they could not be set"));
  return made("resource limits", true,
              fmt::format("no core file, {}, {} descriptors{}", written_bytes_max == 0 ? "no file written" : "files of bounded size", descriptors_max,
                          own_user_namespace ? fmt::format(", {} threads", kThreadsMax) : " (threads are not limited: there is no user namespace)"));
}

Layer forbid_privileges() {
  const bool done = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
  return made("no new privileges", done, done ? "set" : failed("it could not be set"));
}

}  // namespace

std::vector<Layer> give_up_rights(int descriptors_max, uint64_t written_bytes_max) {
  const pid_t parent = ::getppid();
  const bool root = ::geteuid() == 0;
  std::vector<Layer> layers;
  layers.push_back(leave_network());
  empty_bounding_set();
  layers.push_back(become_nobody());
  const bool own_user_namespace = root ? ::unshare(CLONE_NEWUSER) == 0 : layers.front().active;
  empty_bounding_set();  // a new user namespace filled it
  // A change of identity clears it, and the parent may have died in between.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  layers.push_back(drop_capabilities());
  layers.push_back(forbid_privileges());
  layers.push_back(limit_resources(own_user_namespace, static_cast<rlim_t>(descriptors_max), written_bytes_max));
  const Landlock landlock = forbid_files();
  layers.push_back(made("landlock", landlock.active, landlock.detail));
  return layers;
}

std::vector<Layer> give_up_all_but_network(int descriptors_max, std::span<const char* const> readable) {
  const pid_t parent = ::getppid();
  std::vector<Layer> layers;
  empty_bounding_set();
  layers.push_back(become_nobody());
  // A change of identity clears it, and the parent may have died in between.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  ::prctl(PR_SET_DUMPABLE, 0);
  layers.push_back(drop_capabilities());
  layers.push_back(forbid_privileges());
  layers.push_back(limit_resources(false, static_cast<rlim_t>(descriptors_max), 0));
  const Landlock landlock = allow_reading(readable);
  layers.push_back(made("landlock", landlock.active, landlock.detail));
  return layers;
}

std::vector<Layer> confine(uint64_t written_bytes_max) {
  std::vector<Layer> layers = give_up_rights(kDescriptorsMax, written_bytes_max);
  layers.push_back(refuse_early());
  return layers;
}

}  // namespace ebb::sandbox
