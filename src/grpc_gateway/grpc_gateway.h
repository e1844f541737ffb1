// The Open Inference Protocol's gRPC listener, on a port of its own.
//
// gRPC's threads read and write messages; everything that concerns the platform is posted to the loop of `executor`. All functions are called on that
// loop. Shutting down: `stop`, run the loop until `stopped`; calls that still run after `end_max` are cancelled.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "invoke/call_stream.h"
#include "invoke/platform.h"
#include "io/asio.h"
#include "io/clock.h"
#include "io/tls.h"
#include "ledger/keyring.h"

namespace ebb::grpc_gateway {

// One inference as it looked from outside, when it ended.
struct InferenceSeen {
  std::string endpoint;  // empty: none that exists
  std::optional<ErrorKind> failed;
  nanoseconds total{0};
  std::optional<invoke::Dispatched> dispatched;
};
// Who counts them. Called on the loop, each once for each inference.
struct Watch {
  std::function<void()> began;
  std::function<void(const InferenceSeen&)> ended;
};

// Where it listens, by the same rules as HTTP (domain/listen_policy.h).
struct GrpcListening {
  std::string host;                      // an address, or "localhost"
  uint16_t port = 0;                     // 0: any free one
  const io::TlsIdentity* tls = nullptr;  // must outlive the gateway; nullptr: plain
  bool behind_proxy = false;
};

class GrpcGateway {
 public:
  // All parts must outlive the gateway.
  GrpcGateway(io::Executor executor, invoke::Platform& platform, const ledger::Keyring& keyring, const io::Clock& clock, Watch watch);
  ~GrpcGateway();
  GrpcGateway(const GrpcGateway&) = delete;
  GrpcGateway& operator=(const GrpcGateway&) = delete;

  // Binds and begins to serve; returns the port. Errors: kInvalid, kExists for what cannot be bound.
  Result<uint16_t> listen(const GrpcListening& wanted);

  void stop(milliseconds end_max);
  bool stopped() const;

 private:
  struct Running;
  std::unique_ptr<Running> running_;
};

}  // namespace ebb::grpc_gateway
