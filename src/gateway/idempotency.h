// The header Idempotency-Key on routes that call endpoints: the same request once, its answer as often as it is asked for (docs/billing.md).
#pragma once

#include "gateway/exchange.h"
#include "io/asio.h"

namespace ebb::gateway {

struct Services;

inline constexpr const char* kIdempotencyKey = "Idempotency-Key";

inline bool has_idempotency_key(const Request& request) { return request.message.find(kIdempotencyKey) != request.message.end(); }

// True: the request is answered, with what was kept or by a refusal, or its client is gone. False: it is to be answered, and that is recorded from now on
// (Exchange::keyed). The request has a key, and its whole body.
io::Task<bool> answered_by_key(Services& services, Exchange& exchange);

}  // namespace ebb::gateway
