// One instance of a function as this module sees it: a program that runs somewhere, and ways into it. container/sandbox.h is the real one, and says
// what each of these does and when it fails.
#pragma once

#include <optional>

#include "base/fd.h"
#include "base/result.h"
#include "container/sandbox.h"

namespace ebb::function {

class Instance {
 public:
  virtual ~Instance() = default;
  virtual Status run(const container::Program& program) = 0;
  virtual Result<Fd> connect(uint16_t port) = 0;
  virtual void connect_soon(uint16_t port) = 0;
  virtual Result<Fd> listen(uint16_t port) = 0;
  virtual Status signal(int number) = 0;
  virtual int events_fd() const = 0;
  virtual std::optional<container::Exited> next_event() = 0;
  virtual Fd take_output() = 0;
  virtual container::EndOfFunction why_it_ended(const container::Exited& exited) const = 0;
  virtual Status freeze() = 0;
  virtual Status thaw() = 0;
  virtual container::SandboxUsage usage() const = 0;
};

}  // namespace ebb::function
