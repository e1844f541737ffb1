// Where a model comes from, as its owner wrote it: an absolute path or an http(s) address. Addresses are parsed once, by the parser
// of the library that connects to them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/model.h"

namespace ebb::registry {

struct SourceUrl {
  std::string address;  // normalized, without the fragment
  std::string host;
  bool encrypted = false;                // https
  std::optional<domain::Digest> sha256;  // from "#sha256=…"
};

bool is_url(std::string_view source);

// kInvalid, param "source": other schemes, no host, control characters, spaces, backslashes, another fragment than a checksum.
Result<SourceUrl> parse_source_url(std::string_view text);

// For records and messages: an address without user, password, query and fragment, since each may be a secret; a path as it is.
std::string shown_source(std::string_view source);

}  // namespace ebb::registry
