// host.json of an Azure Functions app: how its custom handler is started. Pure; whoever unpacks an image reads the file.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ebb::wire {

struct AzureHandler {
  std::vector<std::string> argv;  // defaultExecutablePath and arguments; relative paths are of the app's folder
  std::string working_directory;  // empty: the app's folder
  bool proxy_calls = false;       // enableProxyingHttpRequest: calls pass as they are
};

// Error kInvalid: no JSON, no custom handler, or one that names no program; param is the path of the field.
Result<AzureHandler> parse_azure_host(std::string_view text);

}  // namespace ebb::wire
