// Usage records as the server exports them: for `ebb usage export`, and for what reads them elsewhere.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "cli/server.h"

namespace ebb::cli {

struct UsageWanted {
  std::string last;      // a duration such as "7d" up to now; empty: all there is
  std::string endpoint;  // empty: of all
};

// Gives each record's line to `take`, in the order in which the calls ended; false from it ends the export without an error. Error: of the command line
// where `last` is no duration.
Status export_usage(Context& context, Server& server, const UsageWanted& wanted, const std::function<bool(std::string_view line)>& take);

}  // namespace ebb::cli
