// The proxy: one listening socket for each function instance, on its loopback; behind each the same rule for all that it asks for.
//
//   head ──► asked.h ──► domain::refusal_of ──► Resolver, once ──► address_check.h, every address ──► connect to one of those ──► bytes both ways
//
// A name is never resolved a second time, so what was checked is what is connected to. One request for each connection: what follows it could
// be meant for another host. Refused: 403 and a sentence. Everything is bounded by domain/limits.h. One thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/fd.h"
#include "domain/egress.h"
#include "egress/resolver.h"
#include "io/asio.h"
#include "io/clock.h"

namespace ebb::egress {

struct Ended {
  enum class Outcome { kPassed, kRefused, kFailed };
  uint64_t instance = 0;
  Outcome outcome = Outcome::kPassed;
  std::string what;  // of what did not pass, unless too many did not
  uint64_t sent_bytes = 0;
  uint64_t received_bytes = 0;
};

struct Instance;
struct Connection;
using InstancePtr = std::shared_ptr<Instance>;      // shared with the coroutines that serve it …
using ConnectionPtr = std::shared_ptr<Connection>;  // … which end after it was closed

class Proxy {
 public:
  // `own` gives the networks of this machine; it is asked for each connection. All outlive the proxy, which outlives its loop.
  Proxy(io::Executor executor, Resolver& resolver, const io::Clock& clock, std::function<std::vector<OwnNetwork>()> own,
        std::function<void(const Ended&)> tell);

  // `listener`: a listening TCP socket of 127.0.0.1. An instance that is open already is closed first.
  void open(uint64_t instance, domain::Egress rule, Fd listener);
  void close(uint64_t instance);

 private:
  io::Task<void> accept(InstancePtr instance);
  io::Task<void> serve(InstancePtr instance, ConnectionPtr connection);
  io::Task<void> handle(InstancePtr instance, ConnectionPtr connection);
  io::Task<bool> reach(InstancePtr instance, ConnectionPtr connection);
  void tell_end(Instance& instance, const Connection& connection);

  io::Executor executor_;
  Resolver& resolver_;
  const io::Clock& clock_;
  std::function<std::vector<OwnNetwork>()> own_;
  std::function<void(const Ended&)> tell_;
  std::map<uint64_t, InstancePtr> instances_;
  size_t connections_ = 0;
};

}  // namespace ebb::egress
