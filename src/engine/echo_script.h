// What a request (or the name of its "model") tells the echo engine to do. Pure.
//
// A script is `key=value` words in a system message, or after "echo:" in the model's name, separated by blanks or commas. Words without a known
// key are text like any other; a known key with a value that is not a number is an error, so that a test with a typing error fails.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "domain/call.h"

namespace ebb::engine {

// Token numbers count from 1: `crash_at=1` crashes instead of giving the first token.
struct EchoScript {
  int64_t delay_ms = 0;           // before the first token
  std::optional<int64_t> tokens;  // to generate; absent: one for each word of the last user message
  int64_t tps = 0;                // tokens a second; 0: as fast as it goes
  int64_t crash_at = 0;
  int64_t hang_at = 0;       // stands still, reading nothing
  int64_t garbage_at = 0;    // writes what is no frame
  int64_t allocate_mib = 0;  // taken and touched when the call starts, kept until the process ends
  bool crash_on_start = false;
  bool refuse = false;
  bool call_tool = false;            // answers with a call of the first tool, the words as its arguments
  std::optional<int64_t> exit_code;  // the process ends with it when the call starts

  // For the model's name.
  int64_t load_ms = 0;
  bool load_fail = false;
  bool load_crash = false;
  bool load_hang = false;
  bool operator==(const EchoScript&) const = default;
};

// Error kInvalid: a known key with an impossible value.
Result<EchoScript> parse_echo_script(std::string_view words);
// The script of a call: all its system and developer messages; of texts, the first if it begins with "echo:".
Result<EchoScript> echo_script_of(const domain::Call& call);
// The script of a model's name: what follows "echo:"; none for other names.
Result<EchoScript> echo_script_of_model(std::string_view model_name);

}  // namespace ebb::engine
