// One call as one exchange of HTTP with a function.
#pragma once

#include <memory>

#include "function/call.h"

namespace ebb::function {

class HttpFunction;

// Returns at once; the exchange lives as long as its call. `function` outlives the loop's last step.
void begin_exchange(HttpFunction& function, std::shared_ptr<Call> call);

}  // namespace ebb::function
