// Who sends a request, and what they may do: by a key, or without one where the server has none.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "domain/priority.h"

namespace ebb::domain {

enum class Scope : uint8_t {
  kInvoke,  // call endpoints, and see which there are
  kRead,    // bills and usage of the own tenant
  kDeploy,  // endpoints, models and images, their logs and decisions
  kAdmin,   // everything: tenants, keys and budgets besides
};
inline constexpr std::array kScopes{Scope::kInvoke, Scope::kRead, Scope::kDeploy, Scope::kAdmin};
std::string_view to_string(Scope scope);
std::optional<Scope> parse_scope(std::string_view word);

class Scopes {
 public:
  constexpr Scopes() = default;
  constexpr Scopes(std::initializer_list<Scope> scopes) {
    for (const Scope scope : scopes)
      add(scope);
  }
  constexpr void add(Scope scope) { bits_ |= bit(scope); }
  // kAdmin has all.
  constexpr bool has(Scope scope) const { return (bits_ & (bit(scope) | bit(Scope::kAdmin))) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  bool operator==(const Scopes&) const = default;

 private:
  static constexpr unsigned bit(Scope scope) { return 1U << static_cast<unsigned>(scope); }
  unsigned bits_ = 0;
};
// "invoke,read", and back; nullopt: a word is no scope.
std::string to_string(Scopes scopes);
std::optional<Scopes> parse_scopes(std::string_view words);

struct Principal {
  std::string tenant;  // who pays; without a key as the request says, or empty
  std::string key;     // the public id of the first key of its line of rotations; empty: without a key
  Scopes scopes{Scope::kAdmin};
  Priority highest = Priority::kCritical;  // class that it may ask for
  bool operator==(const Principal&) const = default;

  // Whose bills and calls it may see; nullopt: everybody's.
  std::optional<std::string> sees() const { return scopes.has(Scope::kAdmin) ? std::nullopt : std::optional(tenant); }
};

}  // namespace ebb::domain
