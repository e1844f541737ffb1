// host.json says what runs, the folders beside it what is called.
#include "invoke/azure_app.h"

#include <fmt/format.h>

#include "container/image_files.h"
#include "domain/limits.h"
#include "wire/azure_host.h"

namespace ebb::invoke {

namespace {

std::string under(const std::string& folder, const std::string& path) { return path.starts_with('/') ? path : fmt::format("{}/{}", folder, path); }

// A program is a file of the working directory, or what PATH has: as Azure's host looks for it.
void settle_program(const container::ImageFiles& files, domain::AzureApp& app) {
  std::string& program = app.argv.front();
  const std::string own = under(app.cwd, program);
  if (program.find('/') != std::string::npos || files.has(own)) program = own;
}

Status read_routes(const container::ImageFiles& files, const std::string& folder, domain::AzureApp& app) {
  const Result<std::vector<std::string>> names = files.names(folder, domain::kAzureEntriesMax);
  if (!names) return fail(names.error());
  for (const std::string& name : *names) {
    if (!wire::is_azure_function_name(name)) continue;
    const Result<std::optional<std::string>> text = files.read(fmt::format("{}/{}/function.json", folder, name), domain::kAzureFileBytesMax);
    if (!text) return fail(text.error());
    if (!*text) continue;
    Result<std::optional<domain::AzureRoute>> route = wire::parse_azure_function(name, **text);
    if (!route) return fail(route.error());
    if (!*route) continue;
    if (app.routes.size() == domain::kAzureFunctionsMax)
      return fail(ErrorKind::kInvalid, fmt::format("the app has more than {} functions", domain::kAzureFunctionsMax));
    app.routes.push_back(std::move(**route));
  }
  return {};
}

}  // namespace

Result<std::optional<domain::AzureApp>> find_azure_app(const std::string& root, const std::string& folder) {
  const Result<container::ImageFiles> files = container::ImageFiles::open(root);
  if (!files) return fail(files.error());
  const Result<std::optional<std::string>> text = files->read(folder + "/host.json", domain::kAzureFileBytesMax);
  if (!text) return fail(text.error());
  if (!*text) return std::nullopt;
  Result<wire::AzureHost> host = wire::parse_azure_host(**text);
  if (!host) return fail(host.error());
  domain::AzureApp app{.argv = std::move(host->argv),
                       .cwd = host->working_directory.empty() ? folder : under(folder, host->working_directory),
                       .forwards = host->forwards,
                       .prefix = std::move(host->prefix),
                       .routes = {}};
  settle_program(*files, app);
  if (Status read = read_routes(*files, folder, app); !read) return fail(read.error());
  return app;
}

}  // namespace ebb::invoke
