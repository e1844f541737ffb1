// Listening and ending.
#include "grpc_gateway/grpc_gateway.h"

#include <fmt/format.h>
#include <grpc/support/log.h>
#include <grpcpp/ext/health_check_service_server_builder_option.h>
#include <grpcpp/grpcpp.h>

#include <thread>

#include "domain/limits.h"
#include "domain/listen_policy.h"
#include "grpc_gateway/service.h"
#include "grpc_gateway/tls_credentials.h"

namespace ebb::grpc_gateway {

namespace {

constexpr const char* kServiceName = "inference.GRPCInferenceService";

Status check(const GrpcListening& wanted, const std::string& address_text, bool administered) {
  io::ErrorCode error;
  const auto address = io::asio::ip::make_address(address_text, error);
  if (error) return fail(ErrorKind::kInvalid, fmt::format("cannot listen for gRPC on '{}': it is not an address", wanted.host), "listen");
  return domain::check_listening({.host = wanted.host,
                                  .loopback = address.is_loopback(),
                                  .tls = wanted.tls != nullptr,
                                  .behind_proxy = wanted.behind_proxy,
                                  .administered = administered});
}

}  // namespace

struct GrpcGateway::Running {
  std::shared_ptr<Services> services;
  std::unique_ptr<InferenceService> service;
  std::shared_ptr<grpc::ServerCredentials> credentials;  // the server asks them for the certificate, and does not keep them
  std::unique_ptr<grpc::Server> server;
  std::thread ending;  // Shutdown waits for calls, and the loop must go on for them meanwhile
  std::atomic<bool> ended{true};
};

GrpcGateway::GrpcGateway(io::Executor executor, invoke::Platform& platform, const ledger::Keyring& keyring, const io::Clock& clock, Watch watch)
    : running_(std::make_unique<Running>()) {
  running_->services = std::shared_ptr<Services>(
      new Services{.executor = std::move(executor), .platform = platform, .keyring = keyring, .clock = clock, .watch = std::move(watch)});
}

GrpcGateway::~GrpcGateway() {
  if (running_->ended) {
    if (running_->ending.joinable()) running_->ending.join();
    return;
  }
  // The loop ended before the calls did, and will answer them no more: the process ends with them, instead of waiting for ever.
  if (running_->ending.joinable()) running_->ending.detach();
  static_cast<void>(running_.release());
}

Result<uint16_t> GrpcGateway::listen(const GrpcListening& wanted) {
  const std::string address = wanted.host == "localhost" ? "127.0.0.1" : wanted.host;
  Services& services = *running_->services;
  if (Status may = check(wanted, address, services.keyring.administered(services.clock.wall())); !may) return fail(may.error());
  services.for_others = wanted.behind_proxy || !io::asio::ip::make_address(address).is_loopback();
  gpr_set_log_verbosity(GPR_LOG_SEVERITY_ERROR);
  grpc::EnableDefaultHealthCheckService(true);
  running_->service = std::make_unique<InferenceService>(running_->services);
  running_->credentials = wanted.tls == nullptr ? grpc::InsecureServerCredentials() : tls_credentials(*wanted.tls);
  grpc::ServerBuilder builder;
  int bound = 0;
  const std::string literal = address.find(':') == std::string::npos ? address : "[" + address + "]";
  builder.AddListeningPort(fmt::format("{}:{}", literal, wanted.port), running_->credentials, &bound);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);  // a second server on the port would take half of the calls
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, domain::kGrpcCallsMax);
  builder.SetMaxReceiveMessageSize(static_cast<int>(domain::kTensorBodyBytesMax));
  // grpc++ measures a message after it unpacked all of it: 20 MiB may become 20 GiB. So packed ones are refused, as unimplemented.
  for (const grpc_compression_algorithm packed : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE})
    builder.SetCompressionAlgorithmSupportStatus(packed, false);
  builder.SetMaxSendMessageSize(-1);  // what a worker may answer is bounded before
  grpc::ResourceQuota quota("ebb");
  quota.Resize(domain::kGrpcMemoryBytesMax);
  builder.SetResourceQuota(quota);
  builder.RegisterService(running_->service.get());
  running_->server = builder.BuildAndStart();
  if (!running_->server || bound == 0)
    return fail(ErrorKind::kExists,
                fmt::format("cannot listen for gRPC on {}, port {}: it is in use; choose another with --grpc-port", wanted.host, wanted.port), "grpc_port");
  running_->ended = false;
  running_->server->GetHealthCheckService()->SetServingStatus(kServiceName, true);
  return static_cast<uint16_t>(bound);
}

void GrpcGateway::stop(milliseconds end_max) {
  if (running_->ended || running_->ending.joinable()) return;
  running_->services->stopping = true;
  running_->server->GetHealthCheckService()->SetServingStatus(false);
  running_->ending = std::thread([running = running_.get(), end_max] {
    running->server->Shutdown(std::chrono::system_clock::now() + end_max);
    running->server->Wait();
    running->ended = true;
  });
}

bool GrpcGateway::stopped() const { return running_->ended; }

}  // namespace ebb::grpc_gateway
