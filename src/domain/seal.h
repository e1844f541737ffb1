// What is said of the book and of the log of who did what at the end of a day. Copies of it, kept elsewhere, tell whether either was written anew since.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"

namespace ebb::domain {

struct Seal {
  std::string day;      // "2026-11-30", UTC: of the last that is over
  WallTime at{};        // when it was made
  int64_t entries = 0;  // of the book …
  std::string head;     // … and its last link; empty: it has none
  int64_t audit_entries = 0;
  std::string audit_head;
  std::string mac;  // HMAC-SHA-256 of all this under a secret of the server, in hex digits
  bool operator==(const Seal&) const = default;
};

}  // namespace ebb::domain
