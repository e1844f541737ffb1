// The calls of one answer, invoked together.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "domain/call.h"
#include "invoke/call_streams.h"

namespace ebb::gateway {

struct Request;
struct Services;

struct Invoked {
  std::shared_ptr<invoke::CallStreams> calls;  // none: not even the first one was taken
  std::optional<Error> refusal;                // of one of them: the others are left
};

// In the name of the request, within its limits. `first`: their ids begin with it; 0: the platform makes them.
Invoked invoke_all(Services& services, std::vector<domain::Call> calls, CallId first, const Request& request);

}  // namespace ebb::gateway
