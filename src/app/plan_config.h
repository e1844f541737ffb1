// `ebb plan --config FILE…`: what endpoints of a plan have, as `ebb deploy -f` reads it.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "plan/settings.h"

namespace ebb::app {

// One endpoint in each file, which is named once. Errors: of the command line, with the file, the line and, where its form is wrong, the column.
Result<plan::SettingsByName> read_plan_configs(const std::vector<std::string>& files);

}  // namespace ebb::app
