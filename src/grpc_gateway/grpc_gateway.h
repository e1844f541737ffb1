// The Open Inference Protocol's gRPC listener, on a loopback address and a port of its own.
//
// gRPC's threads read and write messages; everything that concerns the platform is posted to the loop of `executor`. All functions are called on that
// loop. Shutting down: `stop`, run the loop until `stopped`; calls that still run after `end_max` are cancelled.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "invoke/platform.h"
#include "io/asio.h"
#include "io/clock.h"

namespace ebb::grpc_gateway {

class GrpcGateway {
 public:
  // All parts must outlive the gateway.
  GrpcGateway(io::asio::any_io_executor executor, invoke::Platform& platform, const io::Clock& clock);
  ~GrpcGateway();
  GrpcGateway(const GrpcGateway&) = delete;
  GrpcGateway& operator=(const GrpcGateway&) = delete;

  // Binds and begins to serve; returns the port. `host`: a loopback address; `port` 0: any free one. Errors: kInvalid, kExists for what cannot be bound.
  Result<uint16_t> listen(const std::string& host, uint16_t port);

  void stop(milliseconds end_max);
  bool stopped() const;

 private:
  struct Running;
  std::unique_ptr<Running> running_;
};

}  // namespace ebb::grpc_gateway
