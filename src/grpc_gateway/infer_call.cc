// From an Ask to a response, on the loop.
#include "grpc_gateway/infer_call.h"

#include <grpcpp/support/status.h>

#include <algorithm>
#include <exception>

#include "base/ids.h"
#include "base/log.h"
#include "grpc_gateway/inference.pb.h"

namespace ebb::grpc_gateway {

Result<wire::OipModel> find_model(const Services& services, const std::string& name, const std::string& version) {
  const Result<invoke::EndpointView> view = services.platform.endpoint(name);
  if (!view) return fail(view.error());
  wire::OipModel model = wire::oip_model(view->revision, view->failing);
  if (Status same = wire::check_version(model, version); !same) return fail(same.error());
  return model;
}

Result<domain::Principal> admit(const Services& services, std::string_view key, const ledger::Asked& asked) {
  if (services.for_others && !services.keyring.locked())
    return fail(ErrorKind::kUnauthorized, "this server has no keys any more: make one on its own machine, over HTTP (`ebb key create`)");
  return services.keyring.admit(key, asked, services.clock.wall());
}

InferCall::InferCall(std::shared_ptr<Services> services, Ask ask, inference::ModelInferResponse& response, Done done)
    : services_(std::move(services)), ask_(std::move(ask)), response_(response), done_(std::move(done)) {}

std::shared_ptr<InferCall> InferCall::start(std::shared_ptr<Services> services, Ask ask, std::optional<milliseconds> deadline,
                                            inference::ModelInferResponse& response, Done done) {
  if (deadline) ask.timeout = std::min(*deadline, ask.timeout.value_or(*deadline));
  const io::Executor executor = services->executor;
  std::shared_ptr<InferCall> call(new InferCall(std::move(services), std::move(ask), response, std::move(done)));
  io::asio::co_spawn(executor, run(call), io::asio::detached);
  return call;
}

void InferCall::cancel() {
  io::asio::post(services_->executor, [self = shared_from_this()] {
    self->cancelled_ = true;
    if (self->calls_) self->calls_->leave();
  });
}

// What is not valid is told with its caller's words: they are for the caller, and not for the log.
std::string InferCall::for_log(const Status& status) {
  if (status) return {};
  return status.error().kind == ErrorKind::kInvalid ? "what was sent is not valid; the caller was told why" : status_of(status.error()).error_message();
}

// A name that is no endpoint's is not logged: a request may be megabytes of it.
void InferCall::log_end(const InferCall& call, const Status& status) {
  log_info("request", {{"method", "ModelInfer"},
                       {"endpoint", call.writer_ ? call.ask_.model : ""},
                       {"call", call.calls_ ? to_hex((*call.calls_)[0].call().value) : ""},
                       {"error", for_log(status)}});
}

void InferCall::tell_end(const InferCall& call, const Status& status) {
  InferenceSeen seen;
  if (call.writer_) seen.endpoint = call.ask_.model;
  if (!status) seen.failed = status.error().kind;
  seen.total = call.services_->clock.mono() - call.began_;
  if (call.calls_) seen.dispatched = (*call.calls_)[0].dispatched();
  call.services_->watch.ended(seen);
}

io::Task<void> InferCall::run(std::shared_ptr<InferCall> self) {
  self->began_ = self->services_->clock.mono();
  self->services_->watch.began();
  Status status;
  try {
    status = co_await answer(self);
  } catch (const std::exception& problem) {
    log_error("a gRPC call failed", {{"problem", problem.what()}});
    status = fail(ErrorKind::kInternal, "the server failed to handle the request: its log says why");
  }
  log_end(*self, status);
  tell_end(*self, status);
  const Done done = std::move(self->done_);
  done(std::move(status));
}

Status InferCall::begin() {
  Result<domain::Principal> principal = admit(*services_, ask_.key, {.tenant = ask_.tenant, .priority = ask_.priority});
  if (!principal) return fail(principal.error());
  const Result<wire::OipModel> model = find_model(*services_, ask_.model, ask_.version);
  if (!model) return fail(model.error());
  if (Status checked = wire::check_tensors(*model, ask_.tensors); !checked) return checked;
  domain::Call call;
  call.endpoint = ask_.model;
  call.input = std::move(ask_.tensors);
  call.deadline = ask_.timeout;
  call.priority = ask_.priority;
  call.tenant = std::move(principal->tenant);
  call.key = std::move(principal->key);
  call.max_cost = ask_.max_cost;
  Result<std::shared_ptr<invoke::CallStream>> stream = services_->platform.invoke(std::move(call));
  if (!stream) return fail(stream.error());
  std::vector<std::shared_ptr<invoke::CallStream>> streams{std::move(*stream)};
  calls_ = std::make_shared<invoke::CallStreams>(std::move(streams));
  writer_.emplace(ask_, *model, response_);
  return {};
}

io::Task<Status> InferCall::answer(std::shared_ptr<InferCall> self) {
  if (self->cancelled_) co_return fail(ErrorKind::kCancelled, "the caller left");
  if (Status begun = self->begin(); !begun) co_return begun;
  for (;;) {
    std::optional<invoke::CallStreams::Next> any = co_await self->calls_->next();
    if (!any) co_return fail(ErrorKind::kCancelled, "the caller left");
    auto* const next = std::get_if<invoke::CallStreams::Event>(&*any);
    if (next == nullptr) continue;
    if (const auto* tensor = std::get_if<domain::TensorStart>(&next->event)) {
      self->writer_->begin_tensor(*tensor);
    } else if (const auto* bytes = std::get_if<domain::Bytes>(&next->event)) {
      self->writer_->add_bytes(*bytes);
    } else if (const auto* failed = std::get_if<domain::Failed>(&next->event)) {
      co_return fail(failed->error);
    } else if (std::holds_alternative<domain::Finished>(next->event)) {
      co_return self->writer_->finish();
    }
  }
}

}  // namespace ebb::grpc_gateway
