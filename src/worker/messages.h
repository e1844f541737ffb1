// Between the frames of wire/worker.proto and the engine's values. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/call.h"
#include "engine/engine.h"
#include "wire/frame.h"

namespace ebb::worker {

// The call in an Execute body. Error kCorrupt: it does not parse or breaks a bound that the server keeps, so it is not our server.
Result<domain::Call> read_execute(std::string_view body);

// The frame (or frames) that tell the server of an event.
std::string encode_event(const engine::StepEvent& event);
std::string encode_refused(CallId call, const Error& error);

}  // namespace ebb::worker
