// A child of the server: a program of ours with the descriptors that it is given, an empty environment and nothing else. It is followed by
// its output and its pidfd, and ended with its whole group.
//
// On one thread.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "io/asio.h"

namespace ebb::registry {

struct ChildStart {
  std::string program;                      // its path
  std::string name;                         // what it calls itself, and errors call it
  std::vector<std::string> arguments = {};  // behind its name
  int input = -1;                           // its standard input; -1: nothing to read
  std::vector<int> fds = {};                // its descriptors from kChildFd on; -1: nothing to read
  int niceness = 0;
};
inline constexpr int kChildFd = 3;

// Shared by the coroutine that follows it and by handlers that may run after that. Killed and reaped with the last of them if it is still there.
class ChildProcess {
 public:
  // Its standard error is the server's. Error: kIo and its kin (kNotFound: there is no such program), with the program's path.
  static Result<std::shared_ptr<ChildProcess>> start(const ChildStart& start);
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  ~ChildProcess();

  // Its standard output, non-blocking; readable when there is something or it has ended. Once.
  Fd take_output() { return std::move(output_); }
  // Ends it and all that it started, its group. The first reason stays; one that is reaped is left alone.
  void kill(Error why);
  const std::optional<Error>& killed_for() const { return killed_for_; }
  // Waits on `executor` until it is gone, and reaps it. The status as of waitpid; -1 if somebody else reaped it. Once; what bounds the wait
  // is a kill() by the caller's timer.
  static io::Task<int> reaped(std::shared_ptr<ChildProcess> child, io::Executor executor);

 private:
  ChildProcess(pid_t pid, Fd output) : pid_(pid), output_(std::move(output)) {}
  void end() const;
  int reap();

  pid_t pid_;  // 0: reaped
  Fd pidfd_;   // readable when it has ended
  Fd output_;
  std::optional<Error> killed_for_;
};

// "signal 9", "status 1": a status of waitpid for a sentence.
std::string end_of_child(int status);

}  // namespace ebb::registry
