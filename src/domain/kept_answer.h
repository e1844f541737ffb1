// The answer of calls that were made under an Idempotency-Key, as it is kept for a repeat of their request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/ids.h"
#include "base/time.h"

namespace ebb::domain {

struct KeptAnswer {
  enum class State {
    kBegun,     // it may run, or have run
    kWhole,     // `answer` is what the client got
    kTooLarge,  // it ended, and its answer is not kept
  };

  std::string id;          // SHA-256 of whose key it is and the key, in hex digits
  std::string tenant;      // at whose cost it is kept
  std::string parameters;  // SHA-256 of all that makes a request another
  std::string endpoint;
  std::string request;  // the first one's id
  CallId first_call;    // of those that answer it …
  int64_t calls = 1;    // … whose ids follow each other
  WallTime begun{};
  std::optional<WallTime> ended = {};
  State state = State::kBegun;
  std::string answer = {};  // as gateway/recorded_answer.h writes it
  bool operator==(const KeptAnswer&) const = default;
};

}  // namespace ebb::domain
