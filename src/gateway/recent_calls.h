// Which call a request became, for people who have only the request's id: the last kRecentRequestsMax of them. Lives on the server's loop.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"

namespace ebb::gateway {

inline constexpr size_t kRecentRequestsMax = 10'000;
inline constexpr std::string_view kRequestPrefix = "req_";

class RecentCalls {
 public:
  // `request` as x-request-id has it, "req_" and 16 hex digits.
  void add(std::string_view request, CallId call) {
    const std::pair entry{id_of(request), call};
    if (kept_.size() < kRecentRequestsMax) return kept_.push_back(entry);
    kept_[oldest_] = entry;
    oldest_ = (oldest_ + 1) % kRecentRequestsMax;
  }
  // 0: not known, or no longer.
  CallId find(std::string_view request) const {
    const auto found = std::ranges::find(kept_, id_of(request), &std::pair<uint64_t, CallId>::first);
    return found == kept_.end() ? CallId{} : found->second;
  }

 private:
  static uint64_t id_of(std::string_view request) { return from_hex(std::string(request.substr(std::min(kRequestPrefix.size(), request.size())))); }

  std::vector<std::pair<uint64_t, CallId>> kept_;  // in no order once it is full
  size_t oldest_ = 0;
};

}  // namespace ebb::gateway
