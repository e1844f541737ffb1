// Why: the last decisions of each endpoint with the inputs that they were made from, bounded by kDecisionsPerEndpointMax.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "control/fact.h"

namespace ebb::control {

struct Decision {
  DecisionId id;
  MonoTime at;
  CallId call;            // 0: not about one call
  WorkerId worker;        // 0: not about one worker
  std::string_view what;  // one word, a literal: "start", "dispatch", "park", "refuse", …
  Text because;           // a sentence for people
  Inputs inputs;
  bool operator==(const Decision&) const = default;
};

// Of one endpoint. What is about single calls has a ring of its own: a busy minute must not drive out why a worker was started.
class Journal {
 public:
  void add(Decision decision);
  // Newest last.
  std::vector<Decision> all() const;
  // About one call.
  std::vector<Decision> of(CallId call) const;
  bool operator==(const Journal&) const = default;

 private:
  struct Ring {
    std::vector<Decision> kept;  // in no order once it is full
    size_t oldest = 0;
    bool operator==(const Ring&) const = default;
  };
  static void add(Ring& ring, Decision decision);

  Ring calls_;
  Ring others_;
};

}  // namespace ebb::control
