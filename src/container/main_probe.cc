// ebb-container-probe: a function that tries to get out of its container, and says what came of it, a line each. Static, for images of tests.
//
//   try SECRET MOUNTED PID PORT ABSTRACT KEY   every attempt, then what must still work
//   sweep                                     system calls by number that no list of ours names: how many are there
//   lethal NAME                               one of sandbox::kLethal; says "survived" if it leaks
//   ids                                       real and effective ids, capabilities and no_new_privs, as run from a setuid file
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "container/attempts.h"
#include "sandbox/attempts.h"

namespace {

void say(const std::string& line) {
  std::puts(line.c_str());
  std::fflush(stdout);
}

// A program from memory is the function's own business.
bool runs_from_memory() {
  const int self = ::open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  const int copy = ::memfd_create("copy", MFD_CLOEXEC);
  char buffer[65536];
  for (ssize_t count = 0; (count = ::read(self, buffer, sizeof buffer)) > 0;)
    if (::write(copy, buffer, static_cast<size_t>(count)) != count) return false;
  const pid_t child = ::fork();
  if (child == 0) {
    char name[] = "probe";
    char what[] = "nothing";
    char* const arguments[] = {name, what, nullptr};
    char* const environment[] = {nullptr};
    ::fexecve(copy, arguments, environment);
    ::_exit(1);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 2;  // what main says to "nothing"
}

bool writes_to_tmp() {
  const int file = ::open("/tmp/mine", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  return file >= 0 && ::write(file, "x", 1) == 1 && ::unlink("/tmp/mine") == 0;
}

bool talks_to_itself() {
  int ends[2];
  return ::pipe(ends) == 0 && ::write(ends[1], "x", 1) == 1;
}

void try_all(char** arguments) {
  const ebb::container::Targets targets{.secret = arguments[0],
                                        .mounted = arguments[1],
                                        .outside = std::atoi(arguments[2]),
                                        .port = static_cast<uint16_t>(std::atoi(arguments[3])),
                                        .abstract_socket = arguments[4],
                                        .shared_memory_key = std::atoi(arguments[5])};
  for (const ebb::container::Outcome& outcome : ebb::container::try_all(targets))
    say(outcome.line());
  for (const std::string& line : ebb::sandbox::try_legitimate())
    say(line);
  say(fmt::format("a program from memory: {}", runs_from_memory() ? "works" : "BROKEN"));
  say(fmt::format("a file in /tmp: {}", writes_to_tmp() ? "works" : "BROKEN"));
  say(fmt::format("a pipe: {}", talks_to_itself() ? "works" : "BROKEN"));
}

// Numbers beyond those that this version knows must not exist, whatever a newer kernel makes of them.
void sweep() {
  constexpr long kFirst = 463;  // setxattrat, Linux 6.13
  constexpr long kLast = 1023;
  for (long number = kFirst; number <= kLast; ++number) {
    if (::syscall(number, -1, -1, -1, -1, -1, -1) >= 0 || errno != ENOSYS) say(fmt::format("system call {}: ALLOWED", number));
  }
  say("swept");
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (what == "try" && argc == 8) {
    try_all(argv + 2);
  } else if (what == "sweep") {
    sweep();
  } else if (what == "lethal" && argc == 3) {
    ebb::sandbox::try_lethal(argv[2]);
    say("survived");
  } else if (what == "ids") {
    say(fmt::format("{} {} {} {} {}", ::getuid(), ::geteuid(), ::getgid(), ::getegid(), ::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)));
  } else {
    return 2;
  }
  return 0;
}
