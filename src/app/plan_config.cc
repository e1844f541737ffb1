// Files become specifications, and these what a plan needs of them.
#include "app/plan_config.h"

#include <fmt/format.h>

#include "cli/context.h"
#include "cli/spec_file.h"

namespace ebb::app {

Result<plan::SettingsByName> read_plan_configs(const std::vector<std::string>& files) {
  plan::SettingsByName all;
  for (const std::string& path : files) {
    const Result<cli::SpecFile> file = cli::read_spec_file(path);
    if (!file) return fail(file.error());
    const Result<domain::EndpointSpec> spec = cli::parse_spec_file(*file);
    if (!spec) return fail(spec.error());
    if (!all.emplace(spec->name, plan::settings_of(*spec)).second)
      return cli::usage_error(fmt::format("{}, line {}: the endpoint '{}' is in another --config too", path, file->lines.at("endpoint"), spec->name));
  }
  return all;
}

}  // namespace ebb::app
