// What is a path inside a container.
#include "domain/function_spec.h"

#include <algorithm>

namespace ebb::domain {

bool is_inside_path(std::string_view path) {
  constexpr size_t kBytesMax = 1'000;
  if (path.size() < 2 || path.size() > kBytesMax || path.front() != '/') return false;
  if (!std::ranges::all_of(path, [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f; })) return false;
  for (size_t at = 0; at < path.size();) {
    const size_t end = std::min(path.find('/', at + 1), path.size());
    const std::string_view part = path.substr(at + 1, end - at - 1);
    if (part.empty() || part == "." || part == "..") return false;
    at = end;
  }
  return true;
}

}  // namespace ebb::domain
