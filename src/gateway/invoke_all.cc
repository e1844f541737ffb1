// One after the other, until one is refused.
#include "gateway/invoke_all.h"

#include <algorithm>

#include "gateway/exchange.h"
#include "gateway/services.h"

namespace ebb::gateway {

Invoked invoke_all(Services& services, std::vector<domain::Call> calls, CallId first, const Request& request) {
  Invoked invoked;
  std::vector<std::shared_ptr<invoke::CallStream>> streams;
  for (domain::Call& call : calls) {
    if (first) call.id = CallId{first.value + streams.size()};
    if (request.deadline) call.deadline = std::min(*request.deadline, call.deadline.value_or(*request.deadline));
    call.priority = request.priority;
    pay_by(call, request);
    Result<std::shared_ptr<invoke::CallStream>> stream = services.platform.invoke(std::move(call));
    if (!stream) {
      invoked.refusal = stream.error();
      break;
    }
    streams.push_back(std::move(*stream));
  }
  if (!streams.empty()) invoked.calls = std::make_shared<invoke::CallStreams>(std::move(streams));
  if (invoked.refusal && invoked.calls) invoked.calls->leave();
  return invoked;
}

}  // namespace ebb::gateway
