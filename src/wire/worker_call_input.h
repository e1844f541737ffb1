// The input of a call as a field of worker.proto's Execute: a conversation, a prompt, texts, tensors, samples or an HTTP request. For worker_call.cc; pure.
#pragma once

#include "base/result.h"
#include "domain/call.h"

namespace ebb::wire {

namespace pb {
class Execute;
}

using CallInput = decltype(domain::Call::input);

void write_input(const CallInput& input, pb::Execute& out);
// Takes from `execute`. Error kCorrupt: it has none, or one that breaks a bound of domain/limits.h.
Result<CallInput> read_input(pb::Execute& execute);

}  // namespace ebb::wire
