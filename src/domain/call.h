// One call as every dialect means it: what is asked, and the stream of events that answers it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace ebb::domain {

struct ChatMessage {
  std::string role;     // system, developer, user, assistant
  std::string content;  // UTF-8
  bool operator==(const ChatMessage&) const = default;
};

struct Sampling {
  std::optional<int64_t> max_tokens;  // absent: up to the context's end
  double temperature = 1.0;           // 0: greedy
  double top_p = 1.0;
  std::optional<int64_t> seed;    // absent: the worker picks one
  std::vector<std::string> stop;  // the text from a stop string on is not returned
  bool operator==(const Sampling&) const = default;
};

struct Call {
  std::string endpoint;
  std::vector<ChatMessage> messages;
  Sampling sampling;
  std::optional<milliseconds> deadline;  // the caller's own; the endpoint's limits hold besides
  bool operator==(const Call&) const = default;
};

enum class FinishReason { kStop, kLength };

// The answer, in order: Started, Text…, then exactly one of Finished and Failed.
struct Started {
  int64_t prompt_tokens = 0;
};
struct Text {
  std::string text;    // whole UTF-8 characters; may be empty (a token whose text is held back)
  int64_t tokens = 0;  // generated tokens that this event stands for
};
struct Finished {
  FinishReason reason = FinishReason::kStop;
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
};
struct Failed {
  Error error;
  int64_t completion_tokens = 0;  // given out before
};
using CallEvent = std::variant<Started, Text, Finished, Failed>;

}  // namespace ebb::domain
