// Regular expressions of schemas, as ones that a grammar can hold a model to inside a JSON string.
//
// The converter copies what a pattern matches into the JSON text as it stands: a '.' that matched a quote would end the string. Here '.' and
// negated classes leave out what may not stand in a JSON string, \d \w \s are written out, and a pattern that is not anchored may have anything
// around it, as JSON Schema means it. What would need a quote, a backslash or a control character in the string, look-around, back references
// and word boundaries cannot be held to.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace ebb::wire {

// Error kInvalid: it cannot be held to; the message says why, beginning in lower case.
Result<std::string> holdable_pattern(std::string_view pattern);

}  // namespace ebb::wire
