// Words of scopes.
#include "domain/principal.h"

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
