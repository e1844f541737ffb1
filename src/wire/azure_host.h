// host.json and function.json of an Azure Functions app: how its custom handler is started, and which URLs mean which function. Pure; whoever reads
// an image's files bounds them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/azure_app.h"

namespace ebb::wire {

struct AzureHost {
  std::vector<std::string> argv;  // defaultExecutablePath and arguments; relative paths are of the working directory
  std::string working_directory;  // empty: the app's folder
  bool forwards = false;          // enableForwardingHttpRequest, or enableProxyingHttpRequest as later hosts call it
  std::string prefix = "api";     // extensions.http.routePrefix
};

// Error kInvalid: no JSON, no custom handler, one that names no program, or names what nothing can be started with; param is the path of the field.
Result<AzureHost> parse_azure_host(std::string_view text);

// Of the function `name`. nullopt: it is not called by HTTP. kInvalid: no JSON, or a route that is not made as routes are.
Result<std::optional<domain::AzureRoute>> parse_azure_function(std::string_view name, std::string_view text);

// A function's name: letters, digits, '_' and '-', a letter first, at most 127 characters.
bool is_azure_function_name(std::string_view name);

}  // namespace ebb::wire
