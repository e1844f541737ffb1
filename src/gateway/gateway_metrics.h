// What the gateway counts, under the names of docs/metrics: Ebb's own, HTTP's and the GenAI conventions'.
//
// The label `endpoint` is always the name of a deployed endpoint or "_other"; series of endpoints that were removed go away at the next
// scrape. Lives on the server's loop.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/metrics.h"
#include "base/time.h"
#include "domain/call.h"
#include "gateway/errors.h"
#include "invoke/call_stream.h"
#include "invoke/platform.h"
#include "wire/answer.h"

namespace ebb::gateway {

// One call as it looked from the outside, when it ended.
struct CallSeen {
  std::string endpoint;  // empty: none that exists
  Dialect dialect = Dialect::kOpenAi;
  wire::Operation operation = wire::Operation::kChat;
  int status = 0;     // 499: the client left
  std::string error;  // the kind of error, or empty
  nanoseconds total{0};
  std::optional<invoke::Dispatched> dispatched;
  std::optional<nanoseconds> first_text;  // from arrival
  std::optional<nanoseconds> last_text;
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
};

class GatewayMetrics {
 public:
  explicit GatewayMetrics(const std::string& version);

  void request_ended(std::string_view route, std::string_view method, int status, nanoseconds duration);
  void call_began() { ++inflight_; }
  void call_ended(const CallSeen& call);
  void answer_replayed(std::string_view endpoint);

  // The whole registry as text, with the platform's gauges read now.
  std::string scrape(const invoke::Platform& platform);

 private:
  void read_platform(const invoke::Platform& platform);
  void read_egress(const std::string& endpoint, const invoke::EgressTotals& totals);

  Metrics registry_;
  int64_t inflight_ = 0;

  Metrics::Counters requests_;
  HistogramFamily& request_duration_;
  HistogramFamily& queue_wait_;
  Metrics::Counters cold_starts_;
  HistogramFamily& start_duration_;
  Metrics::Counters tokens_;
  Metrics::Counters replayed_answers_;
  Metrics::Gauges inflight_requests_;
  Metrics::Gauges instances_;
  Metrics::Gauges slots_;
  Metrics::Gauges queue_depth_;
  Metrics::Gauges memory_;
  Metrics::Gauges huge_pages_;
  Metrics::Gauges processors_awake_;
  Metrics::Counters egress_connections_;
  Metrics::Counters egress_bytes_;
  HistogramFamily& http_duration_;
  HistogramFamily& gen_duration_;
  HistogramFamily& gen_first_token_;
  HistogramFamily& gen_per_token_;
  HistogramFamily& gen_tokens_;
};

}  // namespace ebb::gateway
