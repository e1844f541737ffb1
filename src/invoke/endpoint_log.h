// The last lines of each endpoint's log: what its workers said, and what was done with them. Bounded by kLogLinesPerEndpointMax.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "invoke/platform.h"

namespace ebb::invoke {

class EndpointLog {
 public:
  void add(const std::string& endpoint, WallTime at, std::string text);
  std::vector<LogLine> after(const std::string& endpoint, uint64_t sequence) const;
  void forget(const std::string& endpoint) { lines_.erase(endpoint); }

 private:
  struct Lines {
    std::vector<LogLine> kept;
    uint64_t last = 0;
  };
  std::map<std::string, Lines> lines_;
};

}  // namespace ebb::invoke
