// Starts ebb-prepare-onnx with an empty environment, the package at descriptor 3 and the file to write at 4, and nothing else; and ends it by its pidfd.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace ebb::registry {

// One that is running, and is killed and reaped with this object if it is still.
class PrepareProcess {
 public:
  // `package` and `into` of -1: `--key` is asked for. Error: kIo and its kin, with the program's path.
  static Result<PrepareProcess> start(const std::string& program, int package, int into);
  PrepareProcess(PrepareProcess&& other) noexcept;
  PrepareProcess& operator=(PrepareProcess&&) = delete;
  ~PrepareProcess();

  // Its standard output, non-blocking; readable when there is something or it has ended.
  Fd take_output() { return std::move(output_); }
  // Readable when it has ended.
  Fd take_pidfd() { return std::move(pidfd_); }
  void kill() const;
  // Waits for its end. The status as of waitpid; -1 if somebody else reaped it.
  int reap();

 private:
  PrepareProcess(pid_t pid, Fd output) : pid_(pid), output_(std::move(output)) {}

  pid_t pid_;  // 0: reaped, or moved away
  Fd pidfd_;
  Fd output_;
};

}  // namespace ebb::registry
