// One inference on the loop, and how a thread of gRPC's hands it over.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "grpc_gateway/grpc_gateway.h"
#include "grpc_gateway/messages.h"
#include "invoke/call_streams.h"
#include "invoke/platform.h"
#include "io/asio.h"
#include "io/clock.h"

namespace ebb::grpc_gateway {

// What every call may use. The atomics are for gRPC's threads; the rest is touched on the loop.
struct Services {
  io::Executor executor;
  invoke::Platform& platform;
  const ledger::Keyring& keyring;
  const io::Clock& clock;
  Watch watch;
  std::atomic<size_t> request_bytes{0};  // of requests that are being answered
  std::atomic<bool> stopping{false};
  bool for_others = false;  // listens for more than this machine; set before it does
};

// Who calls, by the keyring; without keys nobody does where others could. On the loop.
Result<domain::Principal> admit(const Services& services, std::string_view key, const ledger::Asked& asked);

// Error kNotFound: no such endpoint, or not this version of it. On the loop.
Result<wire::OipModel> find_model(const Services& services, const std::string& name, const std::string& version);

class InferCall : public std::enable_shared_from_this<InferCall> {
 public:
  using Done = std::function<void(Status)>;

  // From any thread. `done` is called exactly once, on the loop; until then `response`, which is filled, must live. `deadline`: what is left of it.
  static std::shared_ptr<InferCall> start(std::shared_ptr<Services> services, Ask ask, std::optional<milliseconds> deadline,
                                          inference::ModelInferResponse& response, Done done);
  // From any thread; after `done` it does nothing.
  void cancel();

 private:
  InferCall(std::shared_ptr<Services> services, Ask ask, inference::ModelInferResponse& response, Done done);

  static io::Task<void> run(std::shared_ptr<InferCall> self);
  static std::string for_log(const Status& status);
  static void log_end(const InferCall& call, const Status& status);
  static void tell_end(const InferCall& call, const Status& status);
  static io::Task<Status> answer(std::shared_ptr<InferCall> self);
  Status begin();

  std::shared_ptr<Services> services_;
  Ask ask_;
  inference::ModelInferResponse& response_;
  Done done_;
  std::shared_ptr<invoke::CallStreams> calls_;
  std::optional<ResponseWriter> writer_;
  MonoTime began_{};
  bool cancelled_ = false;
};

}  // namespace ebb::grpc_gateway
