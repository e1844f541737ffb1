// What the server and ebb-fetch say to each other. The server puts one JSON text on ebb-fetch's standard input and a descriptor of
// the model store at kFetchStoreFd; ebb-fetch answers with JSON lines on its standard output:
//
//   in    {"source": "/x.gguf" | "https://…", "sha256": "…", "bytes_max": n, "require_confinement": false}
//   out   {"phase": "download" | "hash" | "pack" | "check" | "publish", "done": n, "total": n}      any number; total 0: not known
//   out   {"ok": {"sha256": "…", "bytes": n, "facts": {…}, "missing_layers": ["landlock"]}}   or
//         {"error": {"kind": "…", "message": "…", "param": "…"}}                              exactly one, last
//
// What it says of an image, where that was asked for, is in image_protocol.h. Readers are strict: ebb-fetch has handled bytes from strangers. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "domain/model.h"
#include "registry/image_protocol.h"
#include "wire/admin_json.h"

namespace ebb::registry {

inline constexpr int kFetchStoreFd = 3;
inline constexpr size_t kFetchRequestBytesMax = 64 * 1024;
// The longest is an image with its whole configuration, every character of it escaped.
inline constexpr size_t kFetchLineBytesMax = 512 * 1024;
// The largest published models of one file have some 500 GB.
inline constexpr uint64_t kModelBytesMax = 2ULL << 40U;

struct FetchRequest {
  std::string source;  // an absolute path of a file or folder, or http(s)://…, which may end with #sha256=…
  std::optional<domain::Digest> sha256 = {};
  uint64_t bytes_max = kModelBytesMax;
  bool require_confinement = false;  // refuse to work if the kernel lacks a layer
  bool operator==(const FetchRequest&) const = default;
};

using FetchProgress = wire::ModelProgress;

struct FetchResult {
  domain::Digest digest;
  domain::ModelFacts facts;
  std::vector<std::string> missing_layers = {};  // of ebb-fetch's confinement
  bool operator==(const FetchResult&) const = default;
};

json::value to_json(const FetchRequest& request);
json::value to_json(const FetchResult& result);
json::value progress_line(const FetchProgress& progress);
Result<FetchRequest> fetch_request_from_json(const json::value& value);

// One line of ebb-fetch. An error of the fetch is a FetchFailed; the Result's own error is a line that breaks the protocol.
struct FetchFailed {
  Error error;
};
using FetchLine = std::variant<FetchProgress, FetchResult, ImageFetchResult, FetchFailed>;
Result<FetchLine> parse_fetch_line(std::string_view line);

}  // namespace ebb::registry
