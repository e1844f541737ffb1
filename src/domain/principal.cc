// Words of scopes.
#include "domain/principal.h"

#include <algorithm>

namespace ebb::domain {

std::string_view to_string(Scope scope) {
  switch (scope) {
    case Scope::kInvoke: return "invoke";
    case Scope::kRead: return "read";
    case Scope::kDeploy: return "deploy";
    case Scope::kAdmin: return "admin";
  }
  return "";
}

std::optional<Scope> parse_scope(std::string_view word) {
  for (const Scope scope : kScopes) {
    if (to_string(scope) == word) return scope;
  }
  return std::nullopt;
}

std::optional<Scopes> parse_scopes(std::string_view words) {
  Scopes scopes;
  while (!words.empty()) {
    const std::string_view word = words.substr(0, words.find(','));
    words.remove_prefix(std::min(words.size(), word.size() + 1));
    const std::optional<Scope> scope = parse_scope(word);
    if (!scope) return std::nullopt;
    scopes.add(*scope);
  }
  return scopes;
}

std::string to_string(Scopes scopes) {
  if (scopes.has(Scope::kAdmin)) return "admin";
  std::string out;
  for (const Scope scope : kScopes) {
    if (!scopes.has(scope)) continue;
    if (!out.empty()) out += ',';
    out += to_string(scope);
  }
  return out;
}

}  // namespace ebb::domain
