// What an engine did, as frames of wire/worker.proto. Pure.
#pragma once

#include <string>

#include "base/result.h"
#include "base/time.h"
#include "engine/engine.h"
#include "wire/frame.h"

namespace ebb::worker {

// The frame (or frames) that tell the server of an event, which happened `now`.
std::string encode_event(const engine::StepEvent& event, MonoTime now);
std::string encode_refused(CallId call, const Error& error, MonoTime now);

}  // namespace ebb::worker
