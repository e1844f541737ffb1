// The target of a request line: a path and a query. Pure, strict: what is not origin form is refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace ebb::gateway {

struct Target {
  std::string path;  // as written, still percent-encoded; starts with '/'
  std::vector<std::pair<std::string, std::string>> query;

  std::optional<std::string_view> find(std::string_view key) const;
};

Result<Target> parse_target(std::string_view target);
// Only the path: of a query that is passed on as it stands.
Result<Target> parse_path(std::string_view target);

// nullopt for a bad escape, a NUL, or what is not UTF-8-safe ASCII control.
std::optional<std::string> percent_decode(std::string_view text);

// "/ebb/v1/endpoints/{name}/logs" against a path, segment by segment, each decoded after it was split; "{rest...}" takes all that is
// left, slashes included, and "{*}" too, but as it stands, be it nothing. The values of the names in order, or nullopt.
std::optional<std::vector<std::pair<std::string, std::string>>> match_path(std::string_view pattern, std::string_view path);

}  // namespace ebb::gateway
