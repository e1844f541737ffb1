// What becomes of a request with an Idempotency-Key, and what is kept of its answer. Pure.
//
//   no answer of this key, or of calls that cost nothing   run
//   the same request, its answer is there                  replay it
//   the same request, being answered                       wait for that, then look again
//   the same request, its answer is not there              refuse: it is not run a second time
//   another request                                        refuse
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/kept_answer.h"
#include "domain/usage.h"

namespace ebb::ledger {

// Codes of what is refused for its key.
inline constexpr std::string_view kKeyReused = "idempotency_key_reused";
inline constexpr std::string_view kKeyInProgress = "idempotency_in_progress";
inline constexpr std::string_view kAnswerNotKept = "idempotency_answer_not_kept";
inline constexpr std::string_view kAnswerLost = "idempotency_answer_lost";

// The value of the one header of this name: printable ASCII, at most kIdempotencyKeyBytesMax. Error: kInvalid.
Result<std::string_view> check_key(std::span<const std::string_view> values);

// What is known of a key that nobody is being answered by.
enum class Known {
  kRun,
  kReplay,
  kReused,   // for another request
  kNotKept,  // it ended, and its answer was too large
  kAskBook,  // it began, and its end is not known: whether it costs is
};
Known look(const std::optional<domain::KeptAnswer>& kept, std::string_view parameters);

// Whether a call must not be made again: it gave its answer, or is paid for.
bool counts(const domain::UsageRecord& record);

// Of a key that somebody is being answered by.
struct Waiting {
  int for_this = 0;
  int in_all = 0;
};
enum class Meanwhile { kWait, kReused, kInProgress };
Meanwhile join(bool same_parameters, const Waiting& waiting);

// What is kept when an answer has ended.
struct End {
  bool began = false;          // its calls were made
  std::optional<bool> counts;  // any of them; nullopt: not known of all, and of none that it does
  bool recorded = true;        // all of the answer is here
};
enum class Keep {
  kNothing,   // as if it had never been
  kWhole,     // the answer
  kTooLarge,  // that there was one
  kBegun,     // what is there already: the book will tell
};
Keep keep(const End& end);

}  // namespace ebb::ledger
