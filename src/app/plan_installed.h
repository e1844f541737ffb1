// `ebb plan --last TIME`: what a running server had to do, with the settings that its endpoints have, and what other settings would have saved.
#pragma once

#include <boost/json.hpp>
#include <string>

#include "base/result.h"
#include "cli/context.h"
#include "plan/propose.h"
#include "plan/settings.h"
#include "plan/trace.h"

namespace ebb::app {

struct Installed {
  plan::Trace trace;  // up to now
  plan::SettingsByName settings;
  uint64_t memory_limit_bytes = 0;  // for all workers
};

// Asks the server of the context. Errors: of the command line where `last` is no duration; kNotFound where nothing was called in that time.
Result<Installed> fetch_installed(cli::Context& context, const std::string& last);

void print_proposals(const plan::Proposals& proposals, double memory_price, const std::string& last, cli::Context& context);
boost::json::object to_json(const plan::Proposals& proposals, double memory_price);

}  // namespace ebb::app
