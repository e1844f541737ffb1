// The fields of a cron line as sets of numbers. Private to domain/: cron.h has the grammar.
#pragma once

#include <string_view>

#include "base/result.h"
#include "domain/cron.h"

namespace ebb::domain {

// Error: kInvalid with the field and the column (from 1), param "cron".
Result<CronFields> parse_cron_fields(std::string_view expression);

}  // namespace ebb::domain
