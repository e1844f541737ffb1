// Who did what with the server, or was not let in.
#pragma once

#include <cstdint>
#include <string>

#include "base/time.h"

namespace ebb::domain {

struct AuditEntry {
  int64_t number = 0;  // from 1, without gaps
  WallTime at{};
  std::string key;      // line of keys; empty: without a key, or one that was not let in
  std::string tenant;   // likewise
  std::string what;     // "PUT", "POST", "DELETE"; of what was denied "denied"
  std::string subject;  // the path; of what was denied its route
  int64_t status = 0;   // of the answer
  int64_t times = 1;    // what is denied is counted by the minute
  std::string link;     // SHA-256 of the link before, a line feed, and the fields above with tabs between them (store/usage_book.h has the same)
  bool operator==(const AuditEntry&) const = default;
};

}  // namespace ebb::domain
