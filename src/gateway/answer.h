// The way of every route that generates: a dialect's request runs as calls, and the dialect's writer gets what comes of them.
#pragma once

#include "base/result.h"
#include "io/asio.h"
#include "wire/answer.h"

namespace ebb::gateway {

class Exchange;
struct Services;

// `operation`: for the metrics. `asked`: what the route's parser made of the body; its error is answered like all others. Both references outlive the task.
io::Task<void> answer(Services& services, Exchange& exchange, wire::Operation operation, Result<wire::Asked> asked);

}  // namespace ebb::gateway
