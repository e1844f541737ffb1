// Names for what a trace calls by hashes. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ebb::plan {

// The text as a legal name of an endpoint (domain::is_name): in small letters, what no name may have as '-', and cut.
std::string legal_name(std::string_view text);

struct TraceKey {
  std::string_view app;
  std::string_view function;
};

// A legal name for each, all different: the first characters of its function, as many as tell all apart and at least eight; where functions of several apps
// are called alike, as many of the app and of the function; where that does not help either, its place is added.
std::vector<std::string> trace_names(const std::vector<TraceKey>& keys);

}  // namespace ebb::plan
