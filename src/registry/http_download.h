// Brings a file over http(s) into a staged file, going on where an earlier try ended when the server still has the same content.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"
#include "registry/content_store.h"
#include "registry/fetch_protocol.h"
#include "registry/source_url.h"
#include "registry/staged_file.h"

namespace ebb::registry {

struct DownloadLimits {
  uint64_t bytes_max = kModelBytesMax;
  long redirects_max = 5;
  long connect_seconds = 15;
  // Slower than this for so long counts as stalled.
  long slow_bytes_per_second = 256;
  long slow_seconds = 30;
};

// Once for the process, before it is confined: what the library reads from the system.
void prepare_http();

// The name of the staged file of an address: the same for every try.
std::string staged_name_of(const SourceUrl& url, const std::optional<domain::Digest>& sha256);

// What a server said of a content that is partly here, kept beside the part in staging/.
struct ResumeNote {
  std::string validator;  // a strong ETag or a date for If-Range; empty: none was given
  uint64_t total = 0;     // 0: not known
  std::string boot;       // of the kernel that ran: after a crash of the machine the part may have holes
  bool operator==(const ResumeNote&) const = default;
};
std::string to_text(const ResumeNote& note);
std::optional<ResumeNote> parse_resume_note(std::string_view text);

// Error: kNotFound, kUnauthorized, kInvalid, kTooLarge, kUnavailable, kTimeout, kExhausted. After kUnavailable and kTimeout the part
// that came is kept; all messages name the host, never the query.
Status download(const ContentStore& store, const SourceUrl& url, const std::optional<domain::Digest>& sha256, const std::string& boot,
                const DownloadLimits& limits, const std::function<void(const FetchProgress&)>& progress, StagedFile& into);

}  // namespace ebb::registry
