// Answers of the admin API that are one line of JSON, or say why not.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "io/asio.h"

namespace ebb::gateway {

class Exchange;
struct Target;

// Values with braces are made outside coroutines: see errors.h.
std::string line_of(const json::value& value);
// Of routes that give numbered entries: ?after=N, those after it; 0, all, if left out. Error: kInvalid.
Result<int64_t> entry_asked_for(const Target& target);
io::Task<void> answer_line(Exchange& exchange, Result<std::string> line);

}  // namespace ebb::gateway
