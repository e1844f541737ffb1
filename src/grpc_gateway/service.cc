// Questions about models are answered on the loop; inferences are handed to it.
//
// A reactor lives from its call's beginning to OnDone, which comes after Finish: whoever calls Finish (once) touches it no more.
#include "grpc_gateway/service.h"

#include <algorithm>
#include <mutex>

#include "domain/limits.h"
#include "wire/own_headers.h"

namespace ebb::grpc_gateway {

namespace {

using Context = grpc::CallbackServerContext;

// Of one that is there twice the first counts.
std::string_view metadata_of(const Context& context, const char* name) {
  const auto& metadata = context.client_metadata();
  const auto found = metadata.find(name);
  return found == metadata.end() ? std::string_view() : std::string_view(found->second.data(), found->second.size());
}

Result<std::string> key_in(const Context& context) {
  return wire::key_of(metadata_of(context, "authorization"), metadata_of(context, "api-key"), metadata_of(context, "x-api-key"));
}

// Runs on the loop, which no thread of gRPC's may touch.
template <class F>
grpc::ServerUnaryReactor* on_loop(const Services& services, Context* context, F&& answer) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  io::asio::post(services.executor, [reactor, answer = std::forward<F>(answer)] {
    const Status status = answer();
    reactor->Finish(status ? grpc::Status::OK : status_of(status.error()));
  });
  return reactor;
}

// The same for who may call endpoints.
template <class F>
grpc::ServerUnaryReactor* for_callers(const Services& services, Context* context, F&& answer) {
  return on_loop(services, context, [&services, key = key_in(*context), answer = std::forward<F>(answer)]() -> Status {
    if (!key && services.keyring.locked()) return fail(key.error());
    if (const auto principal = admit(services, key.value_or(""), {}); !principal) return fail(principal.error());
    return answer();
  });
}

// What is left of the caller's deadline; nullopt: it has none, or one past all bounds.
std::optional<milliseconds> time_left(const Context& context) {
  const auto deadline = context.deadline();
  const auto now = std::chrono::system_clock::now();
  if (deadline > now + domain::kCallTimeMax) return std::nullopt;
  return std::max(milliseconds(1), std::chrono::ceil<milliseconds>(deadline - now));
}

// A part of the bytes that all requests together may take, given back when the call ends.
class RequestShare {
 public:
  RequestShare(Services& services, size_t bytes)
      : services_(services), bytes_(bytes), fits_((services.request_bytes += bytes) <= domain::kHttpBodyBytesInFlightMax) {}
  ~RequestShare() { services_.request_bytes -= bytes_; }
  RequestShare(const RequestShare&) = delete;
  RequestShare& operator=(const RequestShare&) = delete;
  bool fits() const { return fits_; }

 private:
  Services& services_;
  size_t bytes_;
  bool fits_;
};

// Ebb's own headers are metadata here.
Status read_metadata(const Context& context, Ask& ask) {
  Status read;
  const auto take = [&](const char* name, auto parse, auto& into) {
    const std::string_view value = metadata_of(context, name);
    if (!read || value.empty()) return;
    auto parsed = parse(value);
    if (parsed)
      into = std::move(*parsed);
    else
      read = fail(parsed.error());
  };
  take("ebb-priority", wire::parse_priority, ask.priority);
  take("ebb-tenant", wire::parse_tenant, ask.tenant);
  take("ebb-max-cost", wire::parse_max_cost, ask.max_cost);
  if (context.client_metadata().contains("idempotency-key"))
    return fail(ErrorKind::kInvalid, "an Idempotency-Key is understood over HTTP only: leave 'idempotency-key' out, or send the request there",
                "idempotency-key");
  // What cannot be a key is one that nobody has: it is asked for only where there are keys.
  ask.key = key_in(context).value_or("-");
  return read;
}

Result<Ask> read_within(const RequestShare& share, const Context& context, inference::ModelInferRequest& request) {
  if (!share.fits()) return fail(ErrorKind::kOverloaded, "too many large requests at once");
  Result<Ask> ask = read_infer(request);
  if (!ask) return ask;
  if (const Status read = read_metadata(context, *ask); !read) return fail(read.error());
  return ask;
}

class InferReactor final : public grpc::ServerUnaryReactor {
 public:
  InferReactor(std::shared_ptr<Services> services, const Context& context, inference::ModelInferRequest request, inference::ModelInferResponse& response)
      : services_(std::move(services)), share_(*services_, request.ByteSizeLong()) {
    Result<Ask> ask = read_within(share_, context, request);
    if (!ask) {
      Finish(status_of(ask.error()));
      return;
    }
    call_ = InferCall::start(services_, std::move(*ask), time_left(context), response,
                             [this](Status status) { Finish(status ? grpc::Status::OK : status_of(status.error())); });
  }

  void OnCancel() override {
    if (call_) call_->cancel();
  }
  void OnDone() override { delete this; }

 private:
  std::shared_ptr<Services> services_;
  RequestShare share_;
  std::shared_ptr<InferCall> call_;
};

// One request after the other: read, answer, write. What is wrong with one is said in its answer, and the stream goes on.
class StreamReactor final : public grpc::ServerBidiReactor<inference::ModelInferRequest, inference::ModelStreamInferResponse> {
 public:
  StreamReactor(std::shared_ptr<Services> services, const Context& context) : services_(std::move(services)), context_(context) { StartRead(&request_); }

  void OnReadDone(bool ok) override {
    if (!ok) return Finish(context_.IsCancelled() ? grpc::Status::CANCELLED : grpc::Status::OK);
    share_.emplace(*services_, request_.ByteSizeLong());
    Result<Ask> ask = read_within(*share_, context_, request_);
    request_.Clear();
    if (!ask) return write(fail(ask.error()));
    const std::lock_guard lock(mutex_);
    call_ = InferCall::start(services_, std::move(*ask), time_left(context_), *response_.mutable_infer_response(),
                             [this](Status status) { write(std::move(status)); });
  }

  void OnWriteDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::CANCELLED);
    response_.Clear();
    share_.reset();
    StartRead(&request_);
  }

  void OnCancel() override {
    const std::lock_guard lock(mutex_);
    if (call_) call_->cancel();
  }
  void OnDone() override { delete this; }

 private:
  void write(Status status) {
    if (!status) {
      response_.mutable_infer_response()->Clear();
      response_.set_error_message(status_of(status.error()).error_message());
    }
    StartWrite(&response_);
  }

  std::shared_ptr<Services> services_;
  const Context& context_;
  inference::ModelInferRequest request_;
  inference::ModelStreamInferResponse response_;
  std::optional<RequestShare> share_;
  std::mutex mutex_;  // OnCancel comes at any time, from any thread
  std::shared_ptr<InferCall> call_;
};

void write_index(const Services& services, bool only_ready, inference::RepositoryIndexResponse& response) {
  for (const invoke::EndpointView& view : services.platform.endpoints()) {
    const wire::OipModel model = wire::oip_model(view.revision, view.failing);
    if (!model.ready && only_ready) continue;
    auto* to = response.add_models();
    to->set_name(model.name);
    to->set_version(model.version);
    to->set_state(model.ready ? "READY" : "UNAVAILABLE");
    to->set_reason(std::string(wire::unready_reason(model)));
  }
}

}  // namespace

grpc::ServerUnaryReactor* InferenceService::ServerLive(Context* context, const inference::ServerLiveRequest* /*request*/,
                                                       inference::ServerLiveResponse* response) {
  return on_loop(*services_, context, [response]() -> Status {
    response->set_live(true);
    return {};
  });
}

grpc::ServerUnaryReactor* InferenceService::ServerReady(Context* context, const inference::ServerReadyRequest* /*request*/,
                                                        inference::ServerReadyResponse* response) {
  return on_loop(*services_, context, [services = services_, response]() -> Status {
    response->set_ready(services->platform.status().ready && !services->stopping);
    return {};
  });
}

grpc::ServerUnaryReactor* InferenceService::ModelReady(Context* context, const inference::ModelReadyRequest* request, inference::ModelReadyResponse* response) {
  return for_callers(*services_, context, [services = services_, request, response]() -> Status {
    const Result<wire::OipModel> model = find_model(*services, request->name(), request->version());
    if (!model) return fail(model.error());
    response->set_ready(model->ready);
    return {};
  });
}

grpc::ServerUnaryReactor* InferenceService::ServerMetadata(Context* context, const inference::ServerMetadataRequest* /*request*/,
                                                           inference::ServerMetadataResponse* response) {
  return for_callers(*services_, context, [services = services_, response]() -> Status {
    response->set_name("ebb");
    response->set_version(services->platform.status().version);
    for (const std::string_view extension : {"classification", "model_repository"})
      response->add_extensions(std::string(extension));
    return {};
  });
}

grpc::ServerUnaryReactor* InferenceService::ModelMetadata(Context* context, const inference::ModelMetadataRequest* request,
                                                          inference::ModelMetadataResponse* response) {
  return for_callers(*services_, context, [services = services_, request, response]() -> Status {
    const Result<wire::OipModel> model = find_model(*services, request->name(), request->version());
    if (!model) return fail(model.error());
    write_metadata(*model, *response);
    return {};
  });
}

grpc::ServerUnaryReactor* InferenceService::RepositoryIndex(Context* context, const inference::RepositoryIndexRequest* request,
                                                            inference::RepositoryIndexResponse* response) {
  return for_callers(*services_, context, [services = services_, request, response]() -> Status {
    write_index(*services, request->ready(), *response);
    return {};
  });
}

grpc::ServerUnaryReactor* InferenceService::ModelInfer(Context* context, const inference::ModelInferRequest* request, inference::ModelInferResponse* response) {
  return new InferReactor(services_, *context, *request, *response);
}

grpc::ServerBidiReactor<inference::ModelInferRequest, inference::ModelStreamInferResponse>* InferenceService::ModelStreamInfer(Context* context) {
  return new StreamReactor(services_, *context);
}

}  // namespace ebb::grpc_gateway
