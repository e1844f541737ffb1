// A ring for each endpoint.
#include "invoke/endpoint_log.h"

#include "domain/limits.h"

namespace ebb::invoke {

void EndpointLog::add(const std::string& endpoint, WallTime at, std::string text) {
  Lines& lines = lines_[endpoint];
  lines.kept.push_back({.sequence = ++lines.last, .at = at, .text = std::move(text)});
  if (lines.kept.size() > domain::kLogLinesPerEndpointMax) lines.kept.erase(lines.kept.begin());
}

std::vector<LogLine> EndpointLog::after(const std::string& endpoint, uint64_t sequence) const {
  std::vector<LogLine> found;
  const auto lines = lines_.find(endpoint);
  if (lines == lines_.end()) return found;
  for (const LogLine& line : lines->second.kept) {
    if (line.sequence > sequence) found.push_back(line);
  }
  return found;
}

}  // namespace ebb::invoke
