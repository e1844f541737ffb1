// An Azure Functions app in an unpacked image, by its files.
#pragma once

#include <optional>
#include <string>

#include "base/result.h"
#include "domain/azure_app.h"

namespace ebb::invoke {

// Where apps are in Azure's images unless their AzureWebJobsScriptRoot says otherwise.
inline constexpr const char* kAzureAppFolder = "/home/site/wwwroot";

// Of the app in this folder of the root (both absolute). nullopt: there is no host.json. kInvalid, with the field: what is no custom handler's app, or
// more of it than is read. Links are followed inside the root only.
Result<std::optional<domain::AzureApp>> find_azure_app(const std::string& root, const std::string& folder);

}  // namespace ebb::invoke
