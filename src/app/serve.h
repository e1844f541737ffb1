// `ebb serve`: puts the parts together, in the order of trust, and takes them apart again.
#pragma once

#include "app/serve_options.h"
#include "base/result.h"

namespace ebb::app {

// Runs until SIGINT or SIGTERM, then drains: readiness fails first, running calls finish, bounded in time; a second signal ends at
// once. Must be called while the process has one thread. Error: why it could not start; nothing is left behind then.
Status serve(ServeOptions options, const std::string& version);

}  // namespace ebb::app
