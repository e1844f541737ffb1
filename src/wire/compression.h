// Bodies as HTTP compresses them: gzip, and "deflate", which is zlib's own format. Pure, bounded.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace ebb::wire {

enum class Encoding { kIdentity, kGzip, kDeflate };
std::string_view to_string(Encoding encoding);  // "identity", "gzip", "deflate"

// A Content-Encoding: one word, or nothing. Error: kInvalid with param "Content-Encoding".
Result<Encoding> parse_encoding(std::string_view header);

// The first of what is accepted that is spoken here; kIdentity where none is, or where all of them are excluded with q=0.
Encoding accepted_encoding(std::string_view header);

// Error: kInvalid for what is not such a stream, or ends early, or goes on after its end; kTooLarge for more than `bytes_max` unpacked.
Result<std::string> decompress(Encoding encoding, std::string_view bytes, size_t bytes_max);

// At the fastest level.
std::string compress(Encoding encoding, std::string_view bytes);

}  // namespace ebb::wire
