// Running the attempts, and judging what came of them.
#include "sandbox/attempts.h"

#include <fmt/format.h>
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <mutex>
#include <thread>

#include "sandbox/attempt.h"

namespace ebb::sandbox {

namespace {

long open_socket(int family) {
  for (const int type : {SOCK_STREAM, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET}) {
    const long result = call(SYS_socket, family, type, 0);
    if (result != -EPERM) return result;
  }
  return -EPERM;
}

template <class Work>
std::string legitimate(std::string_view name, Work work) {
  return fmt::format("{}: {}", name, work() ? "works" : fmt::format("BROKEN ({})", std::strerror(errno)));
}

}  // namespace

bool Outcome::denied() const {
  // A descriptor that was handed over for reading only says EBADF to a writer, and that is its rule.
  if (name == "write to the model") return result == -EBADF || result == -EPERM;
  return result == -EPERM || result == -EACCES || result == -ENOSYS;
}

std::string Outcome::line() const {
  return fmt::format("{}: {} ({})", name, denied() ? "denied" : "ALLOWED", result < 0 ? std::strerror(static_cast<int>(-result)) : std::to_string(result));
}

std::vector<Outcome> try_everything(const Scene& scene, Since now) {
  std::vector<Outcome> outcomes;
  for (const std::span<const Attempt> group : {attempts_on_files(), attempts_on_processes(), attempts_on_the_kernel(), attempts_to_undo()}) {
    for (const Attempt& attempt : group) {
      if (attempt.refused <= now) outcomes.push_back({.name = attempt.name, .result = attempt.run(scene)});
    }
  }
  constexpr int kFamilies = 46;
  for (int family = 0; family < kFamilies; ++family)
    outcomes.push_back({.name = fmt::format("socket of family {}", family), .result = open_socket(family)});
  return outcomes;
}

std::vector<std::string> try_legitimate() {
  std::vector<std::string> lines;
  lines.push_back(legitimate("memory", [] {
    std::vector<char> large(size_t{64} << 20U, 'x');
    return large[large.size() / 2] == 'x';
  }));
  lines.push_back(legitimate("threads", [] {
    int sum = 0;
    std::thread first([&sum] { sum = 1; });
    first.join();
    return sum == 1;
  }));
  lines.push_back(legitimate("clock", [] {
    timespec now{};
    return call(SYS_clock_gettime, CLOCK_MONOTONIC, &now) == 0;
  }));
  lines.push_back(legitimate("random bytes", [] {
    char byte = 0;
    return call(SYS_getrandom, &byte, 1, 0) == 1;
  }));
  lines.push_back(legitimate("a wait", [] { return ::poll(nullptr, 0, 0) == 0; }));
  lines.push_back(legitimate("an exception", [] {
    try {
      throw 1;
    } catch (int one) {
      return one == 1;
    }
  }));
  lines.push_back(legitimate("names of threads", [] { return ::prctl(PR_SET_NAME, "probe") == 0; }));
  lines.push_back(legitimate("limits read", [] {
    rlimit limit{};
    return ::getrlimit(RLIMIT_STACK, &limit) == 0;
  }));
  return lines;
}

std::vector<Outcome> sweep(long last, std::span<const int> skip) {
  const pid_t self = ::getpid();
  std::vector<Outcome> outcomes;
  for (long number = 0; number <= last; ++number) {
    if (std::find(skip.begin(), skip.end(), number) != skip.end() || std::find(kProbes.begin(), kProbes.end(), number) != kProbes.end()) continue;
    const long result = call(number, -1, -1, -1, -1, -1, -1);
    if (::getpid() != self) ::_exit(1);
    outcomes.push_back({.name = fmt::format("system call {}", number), .result = result});
  }
  return outcomes;
}

int count_threads(int at_most) {
  std::mutex wait;
  std::unique_lock holding(wait);
  std::vector<pthread_t> threads;
  pthread_attr_t small;
  ::pthread_attr_init(&small);
  ::pthread_attr_setstacksize(&small, size_t{128} << 10U);
  const auto body = [](void* mutex) -> void* {
    const std::lock_guard until_released(*static_cast<std::mutex*>(mutex));
    return nullptr;
  };
  pthread_t thread{};
  while (static_cast<int>(threads.size()) < at_most && ::pthread_create(&thread, &small, body, &wait) == 0)
    threads.push_back(thread);
  holding.unlock();
  for (const pthread_t each : threads)
    ::pthread_join(each, nullptr);
  ::pthread_attr_destroy(&small);
  return static_cast<int>(threads.size());
}

void try_lethal(std::string_view name) {
#if defined(__x86_64__)
  constexpr long kX32 = 0x40000000;
  long result = 0;
  if (name == "32-bit getpid") __asm__ volatile("int $0x80" : "=a"(result) : "a"(20L) : "memory");
  if (name == "32-bit execve") __asm__ volatile("int $0x80" : "=a"(result) : "a"(11L), "b"(0L), "c"(0L), "d"(0L) : "memory");
  if (name == "x32 getpid") call(kX32 | SYS_getpid);
  if (name == "x32 execve") call(kX32 | 520, nullptr, nullptr, nullptr);
#else
  (void)name;
#endif
}

}  // namespace ebb::sandbox
