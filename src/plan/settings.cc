// From what is written to what a plan asks for.
#include "plan/settings.h"

namespace ebb::plan {

const Settings* settings_for(const SettingsByName& settings, std::string_view endpoint) {
  auto found = settings.find(endpoint);
  if (found == settings.end()) found = settings.find(kForTheRest);
  return found == settings.end() ? nullptr : &found->second;
}

Settings settings_of(const domain::EndpointSpec& spec) {
  Settings settings{.scaling = spec.scaling, .limits = spec.limits, .memory_mib = spec.memory_mib.value_or(0)};
  if (spec.function) {
    settings.calls_per_instance = spec.function->concurrency.value_or(0);
    if (settings.calls_per_instance == 0 && spec.function->contract)
      settings.calls_per_instance = domain::contract_defaults(*spec.function->contract).concurrency;
    return settings;
  }
  settings.engine = domain::Engine::kEcho;
  settings.calls_per_instance = spec.scaling.max;
  return settings;
}

void configure(const SettingsByName& settings, Trace& trace) {
  for (TraceFunction& function : trace.functions()) {
    const Settings* const own = settings_for(settings, function.name);
    if (own == nullptr) continue;
    if (own->memory_mib > 0) function.memory_mib = own->memory_mib;
    if (own->calls_per_instance > 0) function.calls_per_instance = own->calls_per_instance;
  }
}

}  // namespace ebb::plan
