// Families, and what is put into them.
#include "gateway/gateway_metrics.h"

#include <array>
#include <set>

namespace ebb::gateway {

namespace {

// The bounds that the conventions give.
const std::vector<double> kHttpBounds{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10};
const std::vector<double> kCallBounds{0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92};
const std::vector<double> kFirstTokenBounds{0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10};
const std::vector<double> kPerTokenBounds{0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5};
const std::vector<double> kTokenBounds{1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864};
// Wakes are milliseconds, loads are seconds.
const std::vector<double> kStartBounds{0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60};

constexpr std::array kStates = std::to_array<const char*>({"absent", "prepared", "starting", "ready", "parking", "parked", "draining", "failed"});

// What all calls have in common, by the conventions for generative AI.
const Labels kGenerative{{"gen_ai_provider_name", "ebb"}};

const char* name_of(wire::Operation operation) {
  switch (operation) {
    case wire::Operation::kChat: return "chat";
    case wire::Operation::kTextCompletion: return "text_completion";
    case wire::Operation::kEmbeddings: return "embeddings";
    case wire::Operation::kInference: return "inference";
    case wire::Operation::kClassification: return "classification";
    case wire::Operation::kFunction: return "function";
  }
  return "";
}

double in_seconds(nanoseconds time) { return std::chrono::duration<double>(time).count(); }

}  // namespace

GatewayMetrics::GatewayMetrics(const std::string& version)
    : requests_(registry_.counters("ebb_requests_total", "Calls of endpoints by their final outcome; 499: the client left.")),
      request_duration_(registry_.histograms("ebb_request_duration_seconds", "From a call's arrival to the end of its answer.", kCallBounds)),
      queue_wait_(registry_.histograms("ebb_queue_wait_seconds", "From a call's arrival to its slot, starts included.", kFirstTokenBounds)),
      cold_starts_(registry_.counters("ebb_cold_starts_total", "Calls that came when their endpoint had no worker.")),
      start_duration_(
          registry_.histograms("ebb_cold_start_duration_seconds", "The part of a call's wait that a start (cold) or a wake (parked) took.", kStartBounds)),
      tokens_(registry_.counters("ebb_tokens_total", "Tokens read (input) and generated (output).")),
      replayed_answers_(registry_.counters("ebb_replayed_answers_total", "Answers that were given again for their Idempotency-Key.")),
      inflight_requests_(registry_.gauges("ebb_inflight_requests", "Calls that are being answered or wait.")),
      instances_(registry_.gauges("ebb_instances", "1 for the state of the endpoint's most useful worker, 0 for the others.")),
      slots_(registry_.gauges("ebb_slots", "Slots of ready workers, busy and in all.")),
      queue_depth_(registry_.gauges("ebb_queue_depth", "Calls that wait for a slot.")),
      memory_(registry_.gauges("ebb_memory_bytes", "Measured memory of an endpoint's workers.")),
      huge_pages_(registry_.gauges("ebb_huge_page_bytes", "What workers map in pages of 2 MiB; what two map counts twice.")),
      processors_awake_(registry_.gauges("ebb_processors_awake", "Whether idle processors wait awake, for calls come close together (1), or sleep (0).")),
      egress_connections_(registry_.counters("ebb_egress_connections_total", "Connections of functions outside that have ended.")),
      egress_bytes_(registry_.counters("ebb_egress_bytes_total", "Bytes that functions sent outside and received, of connections that have ended.")),
      http_duration_(registry_.histograms("http_server_request_duration_seconds", "HTTP requests by route.", kHttpBounds)),
      gen_duration_(registry_.histograms("gen_ai_server_request_duration_seconds", "Generative requests.", kCallBounds, kGenerative)),
      gen_first_token_(registry_.histograms("gen_ai_server_time_to_first_token_seconds", "From arrival, waits and starts included; successful calls.",
                                            kFirstTokenBounds, kGenerative)),
      gen_per_token_(
          registry_.histograms("gen_ai_server_time_per_output_token_seconds", "After the first token; successful calls.", kPerTokenBounds, kGenerative)),
      gen_tokens_(registry_.histograms("gen_ai_client_token_usage", "Tokens of a call.", kTokenBounds, kGenerative)) {
  registry_.gauges("ebb_build_info", "1, with the version of the server.").at({{"version", version}}).Set(1);
  inflight_requests_.at({}).Set(0);
}

void GatewayMetrics::request_ended(std::string_view route, std::string_view method, int status, nanoseconds duration) {
  http_duration_.observe({{"http_route", route}, {"http_request_method", method}, {"http_response_status_code", std::to_string(status)}}, in_seconds(duration));
}

void GatewayMetrics::call_ended(const CallSeen& call) {
  --inflight_;
  const std::string_view endpoint = call.endpoint.empty() ? std::string_view(kOtherLabel) : call.endpoint;
  const std::string_view protocol = to_string(call.dialect);
  const char* const operation = name_of(call.operation);
  requests_.at({{"endpoint", endpoint}, {"protocol", protocol}, {"code", std::to_string(call.status)}}).Increment();
  request_duration_.observe({{"endpoint", endpoint}, {"protocol", protocol}}, in_seconds(call.total));
  gen_duration_.observe({{"gen_ai_request_model", endpoint}, {"gen_ai_operation_name", operation}, {"error_type", call.error}}, in_seconds(call.total));
  if (call.dispatched) {
    queue_wait_.observe({{"endpoint", endpoint}}, in_seconds(call.dispatched->queued));
    const domain::Tier tier = call.dispatched->tier;
    if (tier == domain::Tier::kCold) cold_starts_.at({{"endpoint", endpoint}}).Increment();
    if (!domain::found_ready(tier)) start_duration_.observe({{"endpoint", endpoint}, {"phase", domain::to_string(tier)}}, in_seconds(call.dispatched->start));
  }
  const auto count = [&](const char* direction, int64_t tokens) {
    if (tokens <= 0) return;
    tokens_.at({{"endpoint", endpoint}, {"direction", direction}}).Increment(static_cast<double>(tokens));
    gen_tokens_.observe({{"gen_ai_request_model", endpoint}, {"gen_ai_operation_name", operation}, {"gen_ai_token_type", direction}},
                        static_cast<double>(tokens));
  };
  count("input", call.prompt_tokens);
  count("output", call.completion_tokens);
  if (!call.error.empty() || !call.first_text) return;
  gen_first_token_.observe({{"gen_ai_request_model", endpoint}, {"gen_ai_operation_name", operation}}, in_seconds(*call.first_text));
  if (call.completion_tokens >= 2 && call.last_text)
    gen_per_token_.observe({{"gen_ai_request_model", endpoint}, {"gen_ai_operation_name", operation}},
                           in_seconds(*call.last_text - *call.first_text) / static_cast<double>(call.completion_tokens - 1));
}

void GatewayMetrics::answer_replayed(std::string_view endpoint) { replayed_answers_.at({{"endpoint", endpoint}}).Increment(); }

void GatewayMetrics::read_platform(const invoke::Platform& platform) {
  const invoke::StatusView status = platform.status();
  huge_pages_.at({}).Set(static_cast<double>(status.memory_huge_page_bytes));
  processors_awake_.at({}).Set(status.processors_awake ? 1 : 0);
  std::set<std::string> names{kOtherLabel};
  for (const invoke::EndpointView& view : platform.endpoints()) {
    const std::string& name = view.revision.spec.name;
    names.insert(name);
    for (const char* state : kStates)
      instances_.at({{"endpoint", name}, {"state", state}}).Set(view.state == state ? 1 : 0);
    slots_.at({{"endpoint", name}, {"state", "busy"}}).Set(view.slots_busy);
    slots_.at({{"endpoint", name}, {"state", "ready"}}).Set(view.slots_ready);
    queue_depth_.at({{"endpoint", name}}).Set(view.waiting);
    memory_.at({{"endpoint", name}}).Set(static_cast<double>(view.memory_bytes));
    if (view.egress) read_egress(name, *view.egress);
  }
  const auto gone = [&names](const Labels& labels) {
    for (const char* key : {"endpoint", "gen_ai_request_model"}) {
      const auto found = labels.find(key);
      if (found != labels.end() && !names.contains(found->second)) return true;
    }
    return false;
  };
  for (auto* family : {&requests_, &cold_starts_, &tokens_, &egress_connections_, &egress_bytes_})
    family->remove_if(gone);
  for (auto* family : {&request_duration_, &queue_wait_, &start_duration_, &gen_duration_, &gen_first_token_, &gen_per_token_, &gen_tokens_})
    family->remove_if(gone);
}

void GatewayMetrics::read_egress(const std::string& endpoint, const invoke::EgressTotals& totals) {
  const auto raise = [](prometheus::Counter& counter, uint64_t to) { counter.Increment(std::max(static_cast<double>(to) - counter.Value(), 0.0)); };
  for (const auto& [outcome, count] : {std::pair("passed", totals.passed), std::pair("refused", totals.refused), std::pair("failed", totals.failed)})
    raise(egress_connections_.at({{"endpoint", endpoint}, {"outcome", outcome}}), count);
  for (const auto& [direction, bytes] : {std::pair("sent", totals.sent_bytes), std::pair("received", totals.received_bytes)})
    raise(egress_bytes_.at({{"endpoint", endpoint}, {"direction", direction}}), bytes);
}

std::string GatewayMetrics::scrape(const invoke::Platform& platform) {
  read_platform(platform);
  inflight_requests_.at({}).Set(static_cast<double>(inflight_));
  std::string text = registry_.text();
  // They are read anew each time; kept, they would be a good part of an idle endpoint's memory.
  for (auto* family : {&instances_, &slots_, &queue_depth_, &memory_})
    family->remove_if([](const Labels& /*any*/) { return true; });
  return text;
}

}  // namespace ebb::gateway
