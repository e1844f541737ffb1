// A key as people hold it, and what the server keeps of it. Pure; the keyed hash is the ledger's affair (ledger/keyring.h).
//
//   ebb_7k2m9qwxtz4c_<52 characters: 32 random bytes><7 characters: CRC-32 of everything before>
//       the public id: may be logged, listed and named in a bill
//
// Characters are Crockford's base 32 in lower case (https://www.crockford.com/base32.html), without i, l, o and u, so that none is taken for another. The
// checksum tells a key that was cut or mistyped from one that is not known, without asking anybody.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "domain/principal.h"

namespace ebb::domain {

inline constexpr std::string_view kKeyPrefix = "ebb_";
inline constexpr size_t kKeyIdChars = 12;  // 60 random bits
using KeySecret = std::array<uint8_t, 32>;
using KeyId60 = uint64_t;  // its lower 60 bits count

std::string write_key_id(KeyId60 random);
std::string write_key(std::string_view id, const KeySecret& secret);

struct KeyParts {
  std::string id;
  std::string secret;  // as it is written
};
// Error: kUnauthorized, which says nothing of the key but what is wrong with its form.
Result<KeyParts> read_key(std::string_view text);

struct Key {
  std::string id;
  std::string line;  // id of the first key of its rotations, which budgets and bills go by
  std::string tenant;
  std::string label;  // what people call it; may be empty
  Scopes scopes;
  Priority highest = Priority::kNormal;
  WallTime created{};
  std::optional<WallTime> expires;
  std::optional<WallTime> revoked;
  bool operator==(const Key&) const = default;

  bool usable(WallTime now) const { return !revoked && (!expires || now < *expires); }
};

struct Tenant {
  std::string name;
  WallTime created{};
  bool operator==(const Tenant&) const = default;
};

}  // namespace ebb::domain
