// The closed schema of an endpoint.
#include "wire/spec.h"

#include <fmt/format.h>

#include <algorithm>

#include "domain/limits.h"
#include "wire/quantity.h"

namespace ebb::wire {

namespace {

using domain::EndpointSpec;
using Words = std::vector<std::string_view>;

constexpr uint64_t kMib = 1ULL << 20U;
constexpr size_t kWordBytesMax = 64;

// Insertions, deletions and replacements that turn `a` into `b`.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

void refuse_unknown(ObjectReader& reader, const json::object& object, const Words& known) {
  for (const auto& field : object) {
    const std::string_view key = field.key();
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const std::string_view nearest = nearest_word(key, known);
    const std::string advice =
        nearest.empty() ? fmt::format("known here: {}", fmt::join(known, ", ")) : fmt::format("did you mean '{}'?", reader.path_of(nearest));
    reader.add_error(key, fmt::format("'{}' is not a known field: {}", reader.path_of(key), advice));
  }
}

std::optional<milliseconds> read_duration(ObjectReader& reader, std::string_view key, milliseconds min, milliseconds max) {
  if (const json::value* value = reader.find(key); value != nullptr && value->is_number()) {
    reader.add_error(key, fmt::format("'{}' needs a unit: write {}s, not {}", reader.path_of(key), json::serialize(*value), json::serialize(*value)));
    return std::nullopt;
  }
  const auto text = reader.string(key);
  if (!text) return std::nullopt;
  const Result<milliseconds> duration = parse_duration(*text);
  if (!duration) {
    reader.add_error(key, fmt::format("'{}': {}", reader.path_of(key), duration.error().message));
    return std::nullopt;
  }
  if (*duration < min || *duration > max) {
    reader.add_error(key, fmt::format("'{}' must be between {} and {}, not {}", reader.path_of(key), format_duration(min), format_duration(max), *text));
    return std::nullopt;
  }
  return *duration;
}

std::optional<int64_t> read_memory(ObjectReader& reader) {
  if (const json::value* value = reader.find("memory"); value != nullptr && value->is_number()) {
    reader.add_error("memory", fmt::format("'memory' needs a unit: write {}MiB, not {}", json::serialize(*value), json::serialize(*value)));
    return std::nullopt;
  }
  const auto text = reader.string("memory");
  if (!text) return std::nullopt;
  const Result<uint64_t> bytes = parse_size(*text);
  if (!bytes) {
    reader.add_error("memory", "'memory': " + bytes.error().message);
    return std::nullopt;
  }
  if (*bytes == 0 || *bytes % kMib != 0 || *bytes / kMib > static_cast<uint64_t>(domain::kMemoryMibMax)) {
    reader.add_error("memory", fmt::format("'memory' must be whole MiB between 1MiB and {}, not {}",
                                           format_size(static_cast<uint64_t>(domain::kMemoryMibMax) * kMib), *text));
    return std::nullopt;
  }
  return static_cast<int64_t>(*bytes / kMib);
}

domain::Scaling read_scaling(ObjectReader& parent) {
  domain::Scaling scaling;
  const json::object* object = parent.object("scaling");
  if (object == nullptr) return scaling;
  ObjectReader reader(*parent.find("scaling"), "scaling");
  refuse_unknown(reader, *object, {"min", "max", "idle", "keep"});
  scaling.max = static_cast<int>(reader.integer("max", 1, domain::kSlotsPerWorkerMax).value_or(scaling.max));
  scaling.min = static_cast<int>(reader.integer("min", 0, domain::kSlotsPerWorkerMax).value_or(scaling.min));
  if (scaling.min > scaling.max) reader.add_error("min", fmt::format("'scaling.min' is {}, more than 'scaling.max', which is {}", scaling.min, scaling.max));
  const json::value* idle = reader.find("idle");
  const bool automatic = idle != nullptr && idle->is_string() && std::string_view(idle->get_string()) == "auto";
  if (!automatic) scaling.idle = read_duration(reader, "idle", milliseconds{0}, domain::kIdleTimeMax);
  scaling.keep = read_duration(reader, "keep", milliseconds{0}, domain::kIdleTimeMax).value_or(scaling.keep);
  if (!reader.ok()) parent.adopt(reader.error());
  return scaling;
}

domain::CallLimits read_limits(ObjectReader& parent) {
  domain::CallLimits limits;
  const json::object* object = parent.object("limits");
  if (object == nullptr) return limits;
  ObjectReader reader(*parent.find("limits"), "limits");
  refuse_unknown(reader, *object, {"queue", "wait", "time"});
  limits.queue = static_cast<int>(reader.integer("queue", 0, domain::kQueueLengthMax).value_or(limits.queue));
  limits.wait = read_duration(reader, "wait", milliseconds{0}, domain::kWaitTimeMax).value_or(limits.wait);
  limits.time = read_duration(reader, "time", milliseconds{1}, domain::kCallTimeMax).value_or(limits.time);
  if (!reader.ok()) parent.adopt(reader.error());
  return limits;
}

void read_model(ObjectReader& reader, EndpointSpec& spec) {
  const auto engine = reader.string("engine").value_or("llama");
  spec.engine = engine == "echo" ? domain::Engine::kEcho : engine == "onnx" ? domain::Engine::kOnnx : domain::Engine::kLlama;
  if (engine != to_string(spec.engine)) reader.add_error("engine", fmt::format("'engine' must be llama, onnx or echo, not '{}'", engine));
  const auto model = reader.string("model");
  if (!model) {
    if (spec.engine != domain::Engine::kEcho) reader.add_error("model", "'model' is required: the name of a stored model (`ebb model ls` lists them)");
    return;
  }
  Result<domain::ModelRef> ref = domain::parse_model_ref(*model);
  if (ref) {
    spec.model = std::move(*ref);
  } else {
    reader.add_error("model", ref.error().message);
  }
}

}  // namespace

std::string_view nearest_word(std::string_view written, const Words& known) {
  if (written.size() > kWordBytesMax) return {};
  std::string_view nearest;
  size_t best = 3;  // two slips at most
  for (const std::string_view word : known) {
    const size_t distance = edit_distance(written, word);
    if (distance < best && distance < word.size()) {
      best = distance;
      nearest = word;
    }
  }
  return nearest;
}

Result<EndpointSpec> parse_spec(const json::value& value) {
  if (!value.is_object()) return fail(ErrorKind::kInvalid, "an endpoint's specification must be an object, such as {endpoint: chat, model: smol}");
  ObjectReader reader(value, "");
  EndpointSpec spec;
  refuse_unknown(reader, value.get_object(), {"endpoint", "model", "engine", "memory", "context", "scaling", "limits"});
  spec.name = reader.required_string("endpoint");
  if (!domain::is_name(spec.name)) reader.add_error("endpoint", fmt::format("'{}' is no name for an endpoint: {}", spec.name.substr(0, 80), domain::kNameRule));
  read_model(reader, spec);
  spec.memory_mib = read_memory(reader);
  spec.context_tokens = reader.integer("context", 1, domain::kContextTokensMax);
  spec.scaling = read_scaling(reader);
  spec.limits = read_limits(reader);
  if (!reader.ok()) return fail(reader.error());
  return spec;
}

json::value spec_to_json(const EndpointSpec& spec) {
  json::object object{{"endpoint", spec.name}, {"engine", to_string(spec.engine)}};
  if (spec.model) object["model"] = domain::to_string(*spec.model);
  if (spec.memory_mib) object["memory"] = format_size(static_cast<uint64_t>(*spec.memory_mib) * kMib);
  if (spec.context_tokens) object["context"] = *spec.context_tokens;
  object["scaling"] = {{"min", spec.scaling.min},
                       {"max", spec.scaling.max},
                       {"idle", spec.scaling.idle ? format_duration(*spec.scaling.idle) : "auto"},
                       {"keep", format_duration(spec.scaling.keep)}};
  object["limits"] = {{"queue", spec.limits.queue}, {"wait", format_duration(spec.limits.wait)}, {"time", format_duration(spec.limits.time)}};
  return object;
}

}  // namespace ebb::wire
