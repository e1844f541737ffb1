// What single endpoints of a plan have otherwise than the rest, by what their owners wrote.
#pragma once

#include <functional>
#include <map>
#include <string>

#include "domain/endpoint.h"
#include "plan/trace.h"

namespace ebb::plan {

struct Settings {
  domain::Scaling scaling{.max = 1'000};
  domain::CallLimits limits{.queue = 1'000'000, .wait = std::chrono::hours(24), .time = std::chrono::hours(24)};
  domain::Engine engine = domain::Engine::kContainer;  // or kEcho, which stands for all models: one worker has as many slots as are wanted
  int64_t memory_mib = 0;                              // 0: what the trace says
  int calls_per_instance = 0;                          // of a function; 0: as in the rest of the plan
  bool operator==(const Settings&) const = default;
};

// What is under this name holds for all endpoints of the trace that have no settings of their own.
inline constexpr std::string_view kForTheRest = "default";

// By the name of the endpoint.
using SettingsByName = std::map<std::string, Settings, std::less<>>;

// nullptr: neither its own nor any for the rest.
const Settings* settings_for(const SettingsByName& settings, std::string_view endpoint);

// For policies that know instances only, the worker of a model is one that takes `scaling.max` calls.
Settings settings_of(const domain::EndpointSpec& spec);

// Writes into the trace what all policies are to be given alike: memory and calls of an instance.
void configure(const SettingsByName& settings, Trace& trace);

}  // namespace ebb::plan
