// What an engine did, as frames of wire/worker.proto. Pure.
#pragma once

#include <string>

#include "base/result.h"
#include "engine/engine.h"
#include "wire/frame.h"

namespace ebb::worker {

// The frame (or frames) that tell the server of an event.
std::string encode_event(const engine::StepEvent& event);
std::string encode_refused(CallId call, const Error& error);

}  // namespace ebb::worker
