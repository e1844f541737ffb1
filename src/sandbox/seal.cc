// The list of system calls with which a loaded engine computes and talks over its channel.
//
// Found by running the engines under strace and kept as short as they allow. What is missing here fails with EPERM rather than killing:
// libraries probe for things that they can do without, and an attacker gains nothing from an error. The list is longer in a build with
// a sanitizer, which is for tests only.
#include <fmt/format.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <iterator>

#include "sandbox/confine.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define EBB_SANITIZED 1
// The leak check at the end needs ptrace, which no worker has; leaks are looked for in the unit tests.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
#else
#define EBB_SANITIZED 0
#endif

namespace ebb::sandbox {

namespace {

// The tile registers of a CPU are used after asking for them; the engine library asks again with every step.
constexpr unsigned kRequestState = 0x1023;     // ARCH_REQ_XCOMP_PERM
constexpr unsigned kTileData = 18;             // XFEATURE_XTILE_DATA
constexpr unsigned kNameMapping = 0x53564d41;  // PR_SET_VMA: the allocator labels its memory

// Plain computing, memory, time, threads, and the channel that is open already. None of them takes the number of another process.
constexpr int kAllowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(recvmsg),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(getrandom),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
#if EBB_SANITIZED
    // A sanitizer's run time looks at its own maps and links to describe what it found, and asks by way of a pipe whether memory is there.
    SCMP_SYS(openat),
    SCMP_SYS(open),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(pipe),
    SCMP_SYS(pipe2),
    SCMP_SYS(mincore),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(getppid),
    SCMP_SYS(uname),
#endif
};

constexpr int kConditional = 8;

// Refused already while a model is being loaded. A network namespace does not hold back a Unix socket with a path, and neither does Landlock.
constexpr int kRefusedEarly[] = {
    SCMP_SYS(socket),
    SCMP_SYS(connect),
    SCMP_SYS(bind),
    SCMP_SYS(listen),
    SCMP_SYS(accept),
    SCMP_SYS(accept4),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(kcmp),
    SCMP_SYS(kill),
    SCMP_SYS(tkill),
    SCMP_SYS(rt_sigqueueinfo),
    SCMP_SYS(rt_tgsigqueueinfo),
    SCMP_SYS(pidfd_open),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(bpf),
    SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    SCMP_SYS(keyctl),
};

// Threads, not processes, and no namespaces. clone3 hides its flags behind a pointer: "no such call" makes the C library use clone.
constexpr uint64_t kThread = CLONE_THREAD | CLONE_VM | CLONE_SIGHAND;
constexpr uint64_t kNewSpaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;

int add_early_rules(scmp_filter_ctx filter) {
  int error = 0;
  const auto keep = [&error](int outcome) {
    if (outcome < 0 && error == 0) error = outcome;
  };
  for (const int call : kRefusedEarly)
    keep(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), call, 0));
  for (const uint64_t flag : {uint64_t{CLONE_THREAD}, uint64_t{CLONE_VM}, uint64_t{CLONE_SIGHAND}})
    keep(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, flag, 0)));
  for (uint64_t flag = 1; flag <= kNewSpaces; flag <<= 1U) {
    if ((kNewSpaces & flag) != 0) keep(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag)));
  }
  keep(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0));
  keep(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_NE, static_cast<scmp_datum_t>(::getpid()))));
  keep(seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 1, SCMP_A0(SCMP_CMP_NE, 0)));
  return error;
}

int add_rules(scmp_filter_ctx filter) {
  int error = 0;
  const auto keep = [&error](int outcome) {
    if (outcome < 0 && error == 0) error = outcome;
  };
  for (const int call : kAllowed)
    keep(seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 0));
  // Memory is never executable.
  keep(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)));
  keep(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)));
  keep(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME)));
  keep(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, kNameMapping)));
  keep(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(arch_prctl), 2, SCMP_A0(SCMP_CMP_EQ, kRequestState), SCMP_A1(SCMP_CMP_EQ, kTileData)));
  // Plain sends on the channel: sendmsg, which could pass descriptors, is not there.
  keep(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 1, SCMP_A4(SCMP_CMP_EQ, 0)));
  // Our own limits, to look at. Those of whoever runs under our user (for a user who is not root: the server) could be set too.
  keep(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2, SCMP_A0(SCMP_CMP_EQ, 0), SCMP_A2(SCMP_CMP_EQ, 0)));
  keep(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, kThread | kNewSpaces, kThread)));
  keep(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0));
  // abort() signals itself; nobody else can be signalled.
  keep(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, static_cast<scmp_datum_t>(::getpid()))));
  return error;
}

int add_more_rules(scmp_filter_ctx filter, std::span<const MoreCalls> more) {
  int error = 0;
  for (const MoreCalls& each : more) {
    const int outcome = each.condition ? seccomp_rule_add(filter, SCMP_ACT_ALLOW, each.call, 1,
                                                          SCMP_CMP(each.condition->argument, SCMP_CMP_MASKED_EQ, each.condition->mask, each.condition->value))
                                       : seccomp_rule_add(filter, SCMP_ACT_ALLOW, each.call, 0);
    if (outcome < 0 && error == 0) error = outcome;
  }
  return error;
}

int load_filter(uint32_t otherwise, int (*add)(scmp_filter_ctx), std::span<const MoreCalls> more = {}) {
  scmp_filter_ctx filter = seccomp_init(otherwise);
  if (filter == nullptr) return -ENOMEM;
  // Calls of another architecture (int 0x80, x32) would slip past numbers meant for this one.
  int error = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  if (error == 0) error = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
  if (error == 0) error = add(filter);
  if (error == 0) error = add_more_rules(filter, more);
  if (error == 0) error = seccomp_load(filter);
  seccomp_release(filter);
  return error;
}

std::string not_applied(int error) { return fmt::format("not applied: {}", std::strerror(-error)); }

}  // namespace

std::span<const int> calls_without_conditions() { return kAllowed; }

Layer seal() { return seal_and({}); }

Layer seal_and(std::span<const MoreCalls> more) {
  const int error = load_filter(SCMP_ACT_ERRNO(EPERM), add_rules, more);
  return {.name = "seccomp",
          .active = error == 0,
          .detail =
              error == 0 ? fmt::format("{} system calls whatever their arguments, {} with conditions", std::size(kAllowed), kConditional) : not_applied(error)};
}

Layer refuse_early() {
  const int error = load_filter(SCMP_ACT_ALLOW, add_early_rules);
  return {
      .name = "seccomp while loading", .active = error == 0, .detail = error == 0 ? "no socket, process, program, signal or namespace" : not_applied(error)};
}

Status seal_or_fail() { return seal_and_or_fail({}); }

Status seal_and_or_fail(std::span<const MoreCalls> more) {
  const Layer layer = seal_and(more);
  if (layer.active) return {};
  const uint32_t action = SECCOMP_RET_ERRNO;
  const bool kernel_lacks_it = ::syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) != 0 && errno == ENOSYS;
  if (!kernel_lacks_it) return fail(ErrorKind::kInternal, "the list of system calls was " + layer.detail);
  return {};
}

}  // namespace ebb::sandbox
