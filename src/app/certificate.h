// The server's certificate over its life: read at the start, looked after while the server runs.
#pragma once

#include <memory>

#include "app/serve_options.h"
#include "base/result.h"
#include "io/asio.h"
#include "io/clock.h"
#include "io/tls.h"

namespace ebb::app {

// Lives on the server's loop, and as long as its listeners.
class Certificate {
 public:
  // nullptr: none is asked for. Error: it cannot be used; that it has expired is only logged.
  static Result<std::unique_ptr<Certificate>> load(io::Executor executor, const ServeOptions& options, const io::Clock& clock);

  const io::TlsIdentity& identity() const { return *identity_; }

  // From now on its files are looked at every kTlsLookEvery, and read at SIGHUP.
  void watch();
  void stop();

 private:
  Certificate(io::Executor executor, std::unique_ptr<io::TlsIdentity> identity, const io::Clock& clock)
      : identity_(std::move(identity)), clock_(clock), timer_(executor), hangups_(executor) {}
  void tell() const;
  void tell(io::TlsIdentity::Look look) const;
  void on_time();
  void on_hangup();

  std::unique_ptr<io::TlsIdentity> identity_;
  const io::Clock& clock_;
  io::Timer timer_;
  io::Signals hangups_;
};

}  // namespace ebb::app
