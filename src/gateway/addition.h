// The answer to a request that adds something: progress as lines of JSON, then the result. For models and images.
#pragma once

#include <memory>

#include "base/json.h"
#include "gateway/admin.h"
#include "io/asio.h"

namespace ebb::gateway {

class Exchange;
struct Services;

// An addition beside the request that waits for it. Shared by both, since either may end first.
struct Addition {
  explicit Addition(const io::Executor& executor) : changed(executor, io::Timer::time_point::max()) {}
  io::Timer changed;  // never expires by itself: cancelled when there is news
  std::shared_ptr<AddProgress> progress = std::make_shared<AddProgress>();
  std::optional<Result<json::value>> result;
};

// Runs `work`, which reports to the addition's progress and returns the last line, and answers meanwhile. A caller that leaves cancels it.
io::Task<void> answer_addition(Services& services, Exchange& exchange, std::shared_ptr<Addition> addition, io::Task<Result<json::value>> work);

}  // namespace ebb::gateway
