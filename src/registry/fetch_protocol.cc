// Both directions, field by field.
#include "registry/fetch_protocol.h"

#include <algorithm>
#include <array>

#include "wire/model_facts_json.h"

namespace ebb::registry {

namespace {

constexpr int64_t kCountMax = INT64_MAX;
constexpr std::array<std::string_view, 7> kPhases = {"download", "hash", "pack", "copy", "check", "unpack", "publish"};

uint64_t count(ObjectReader& reader, std::string_view key) { return static_cast<uint64_t>(reader.integer(key, 0, kCountMax).value_or(0)); }

domain::Digest required_digest(ObjectReader& reader, std::string_view key) {
  const Result<domain::Digest> digest = domain::parse_digest(reader.required_string(key));
  if (!digest) reader.add_error(key, digest.error().message);
  return digest.value_or(domain::Digest{});
}

Result<FetchLine> read_result(const json::value& value) {
  ObjectReader reader(value, "ok");
  FetchResult result;
  result.digest = required_digest(reader, "sha256");
  const uint64_t bytes = count(reader, "bytes");
  const json::value* facts = reader.find("facts");
  Result<domain::ModelFacts> read = wire::model_facts_from_json(facts != nullptr ? *facts : json::value(nullptr), "ok.facts");
  if (!read) return fail(read.error());
  result.facts = std::move(*read);
  if (reader.ok() && (result.facts.architecture.empty() || result.facts.weights_bytes != bytes)) reader.add_error("facts", "the facts do not hold together");
  if (const json::array* layers = reader.array("missing_layers")) {
    for (const json::value& layer : *layers) {
      if (layer.is_string() && result.missing_layers.size() < 16) result.missing_layers.emplace_back(layer.as_string());
    }
  }
  if (!reader.ok()) return fail(reader.error());
  return FetchLine(std::move(result));
}

}  // namespace

json::value to_json(const FetchRequest& request) {
  json::object out{{"source", request.source}, {"bytes_max", request.bytes_max}, {"require_confinement", request.require_confinement}};
  if (request.sha256) out["sha256"] = request.sha256->hex();
  return out;
}

json::value to_json(const FetchResult& result) {
  json::array layers;
  for (const std::string& layer : result.missing_layers)
    layers.emplace_back(layer);
  return {{"ok",
           {{"sha256", result.digest.hex()},
            {"bytes", result.facts.weights_bytes},
            {"missing_layers", std::move(layers)},
            {"facts", wire::to_json(result.facts)}}}};
}

json::value progress_line(const FetchProgress& progress) { return {{"phase", progress.phase}, {"done", progress.done_bytes}, {"total", progress.total_bytes}}; }

Result<FetchRequest> fetch_request_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  FetchRequest request;
  request.source = reader.required_string("source");
  if (reader.has("sha256")) request.sha256 = required_digest(reader, "sha256");
  request.bytes_max = static_cast<uint64_t>(reader.integer("bytes_max", 1, static_cast<int64_t>(kModelBytesMax)).value_or(kModelBytesMax));
  request.require_confinement = reader.boolean("require_confinement").value_or(false);
  reader.refuse_unknown({"source", "sha256", "bytes_max", "require_confinement"});
  if (!reader.ok()) return fail(reader.error());
  return request;
}

Result<FetchLine> parse_fetch_line(std::string_view line) {
  const Result<json::value> value = parse_json(line);
  if (!value) return fail(value.error());
  ObjectReader reader(*value, "");
  if (const json::value* ok = reader.find("ok")) return read_result(*ok);
  if (const json::value* image = reader.find("image")) {
    Result<ImageFetchResult> read = image_fetch_result_from_json(*image);
    if (!read) return fail(read.error());
    return FetchLine(std::move(*read));
  }
  if (reader.find("error") != nullptr) return FetchLine(FetchFailed{.error = wire::error_from_json(*value)});
  FetchProgress progress{.phase = reader.required_string("phase"), .done_bytes = count(reader, "done"), .total_bytes = count(reader, "total")};
  if (!reader.ok()) return fail(reader.error());
  if (std::ranges::find(kPhases, progress.phase) == kPhases.end()) return fail(ErrorKind::kInvalid, "an unknown phase", "phase");
  return FetchLine(std::move(progress));
}

}  // namespace ebb::registry
