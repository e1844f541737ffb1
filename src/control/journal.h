// Why: the last decisions of each endpoint with the inputs that they were made from, bounded by kDecisionsPerEndpointMax.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"
#include "base/time.h"

namespace ebb::control {

// Name, and value with its unit; in the order that matters. Names are literals, as is a decision's `what`: thousands of idle endpoints keep some.
using Inputs = std::vector<std::pair<std::string_view, std::string>>;

struct Decision {
  DecisionId id;
  MonoTime at;
  std::string endpoint;
  CallId call;            // 0: not about one call
  WorkerId worker;        // 0: not about one worker
  std::string_view what;  // one word: "start", "dispatch", "park", "refuse", …
  std::string because;    // a sentence for people
  Inputs inputs;
  bool operator==(const Decision&) const = default;
};

class Journal {
 public:
  // Gives the decision its id and keeps it; drops the endpoint's oldest past the bound.
  DecisionId add(Decision decision);
  // Newest last; empty for an unknown endpoint.
  std::vector<Decision> of(const std::string& endpoint) const;
  void forget(const std::string& endpoint);
  bool operator==(const Journal&) const = default;

 private:
  std::map<std::string, std::vector<Decision>> by_endpoint_;
  uint64_t next_ = 1;
};

}  // namespace ebb::control
