// What is said of names and versions.
#include "registry/versions.h"

#include <fmt/format.h>

namespace ebb::registry {

Error no_such_version(std::string_view word, const std::string& ref, bool name_exists) {
  const std::string advice = name_exists ? fmt::format("it has other versions: `ebb {} ls` shows them", word)
                                         : fmt::format("`ebb {0} ls` shows what there is, `ebb {0} add` brings more", word);
  return Error{.kind = ErrorKind::kNotFound, .message = fmt::format("there is no {} '{}'; {}", word, ref, advice), .param = std::string(word)};
}

Error version_is_used(std::string_view word, const std::string& version, const std::string& endpoint) {
  return Error{.kind = ErrorKind::kExists,
               .message = fmt::format("the endpoint '{}' needs {}: remove it first (ebb rm {})", endpoint, version, endpoint),
               .param = std::string(word)};
}

}  // namespace ebb::registry
