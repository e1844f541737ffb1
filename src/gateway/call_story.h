// What became of one call, in sentences that need no knowledge of Ebb: from its usage record, if it has ended, and from what was decided about it, as far as
// that is still kept. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/usage.h"
#include "invoke/platform.h"

namespace ebb::gateway {

struct CallStory {
  std::vector<std::string> story;           // in the order in which it happened
  std::vector<std::string> why_not_faster;  // where its time went, the longest part first, and what would have spared it
};

// One of the two is there at least.
CallStory tell(const std::optional<domain::UsageRecord>& record, const std::optional<invoke::CallView>& view, std::string_view currency);

}  // namespace ebb::gateway
