// A decision as the admin API shows it: its inputs in words, and as numbers whose names end in their unit. Pure.
#pragma once

#include "invoke/platform.h"
#include "wire/admin_json.h"

namespace ebb::gateway {

wire::DecisionRow decision_row(const invoke::DecisionView& view);

}  // namespace ebb::gateway
