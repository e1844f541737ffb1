// The closed schema of an endpoint.
// Compiled alone: see domain/cron.cc.
#include "wire/spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "domain/limits.h"
#include "domain/schedule.h"
#include "wire/quantity.h"
#include "wire/spec_fields.h"
#include "wire/spec_function.h"
#include "wire/time_text.h"

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

// A number of slots that are kept warm: as many as there may be at most.
std::optional<int> read_provisioned(ObjectReader& reader, int max) {
  const auto slots = reader.integer("provisioned", 0, domain::kSlotsPerWorkerMax);
  if (!slots) return std::nullopt;
  if (*slots > max)
    reader.add_error("provisioned", fmt::format("'{}' is {}, more than 'scaling.max', which is {}", reader.path_of("provisioned"), *slots, max));
  return static_cast<int>(*slots);
}

Result<domain::ProvisionedAt> read_entry(const json::value& value, const std::string& path, int max) {
  ObjectReader reader(value, path);
  if (!reader.ok()) return fail(reader.error());
  refuse_unknown(reader, value.get_object(), {"cron", "zone", "provisioned"});
  const std::string expression = reader.required_string("cron");
  const std::string zone = reader.string("zone").value_or("");
  if (!reader.has("provisioned"))
    reader.add_error("provisioned", fmt::format("'{}' is required: how many are kept warm from then on", reader.path_of("provisioned")));
  const int slots = read_provisioned(reader, max).value_or(0);
  if (!reader.ok()) return fail(reader.error());
  Result<domain::Cron> cron = domain::Cron::parse(expression, zone);
  if (!cron) {
    const std::string field = reader.path_of(cron.error().param);
    return fail(cron.error().kind, fmt::format("'{}': {}", field, cron.error().message), field);
  }
  return domain::ProvisionedAt{.cron = std::move(*cron), .provisioned = slots};
}

std::vector<domain::ProvisionedAt> read_schedule(ObjectReader& scaling, int max) {
  std::vector<domain::ProvisionedAt> schedule;
  const json::array* entries = scaling.array("schedule");
  if (entries == nullptr) return schedule;
  if (entries->size() > domain::kScheduleEntriesMax) {
    scaling.add_error("schedule", fmt::format("'scaling.schedule' has {} entries, but may have {}", entries->size(), domain::kScheduleEntriesMax));
    return schedule;
  }
  for (size_t i = 0; i < entries->size(); ++i) {
    Result<domain::ProvisionedAt> entry = read_entry((*entries)[i], fmt::format("scaling.schedule[{}]", i), max);
    if (!entry) {
      scaling.adopt(entry.error());
      break;
    }
    schedule.push_back(std::move(*entry));
  }
  if (!scaling.ok()) return schedule;
  if (const auto clash = domain::clash_in(schedule)) {
    const domain::ProvisionedAt& first = schedule[clash->first];
    const domain::ProvisionedAt& second = schedule[clash->second];
    scaling.add_error(
        fmt::format("schedule[{}]", clash->second),
        fmt::format(
            "'scaling.schedule[{}]' (\"{}\", provisioned: {}) and 'scaling.schedule[{}]' (\"{}\", provisioned: {}) fire in the same minute, such as {}: "
            "give them different times or the same number",
            clash->first, first.cron.expression(), first.provisioned, clash->second, second.cron.expression(), second.provisioned, format_time(clash->at)));
  }
  return schedule;
}

bool is_auto(ObjectReader& reader, std::string_view field) {
  const json::value* value = reader.find(field);
  return value != nullptr && value->is_string() && std::string_view(value->get_string()) == "auto";
}

domain::Scaling read_scaling(ObjectReader& parent) {
  domain::Scaling scaling;
  const json::object* object = parent.object("scaling");
  if (object == nullptr) return scaling;
  ObjectReader reader(*parent.find("scaling"), "scaling");
  refuse_unknown(reader, *object, {"min", "max", "target", "idle", "keep", "provisioned", "schedule"});
  scaling.max = static_cast<int>(reader.integer("max", 1, domain::kSlotsPerWorkerMax).value_or(scaling.max));
  scaling.min = static_cast<int>(reader.integer("min", 0, domain::kSlotsPerWorkerMax).value_or(scaling.min));
  if (scaling.min > scaling.max) reader.add_error("min", fmt::format("'scaling.min' is {}, more than 'scaling.max', which is {}", scaling.min, scaling.max));
  if (const std::optional<double> target = reader.number("target", domain::kTargetPercentMin / 100.0, 1))
    scaling.target_percent = static_cast<int>(std::lround(*target * 100));
  if (!is_auto(reader, "idle")) scaling.idle = read_duration(reader, "idle", milliseconds{0}, domain::kIdleTimeMax);
  if (!is_auto(reader, "keep")) scaling.keep = read_duration(reader, "keep", milliseconds{0}, domain::kIdleTimeMax);
  scaling.provisioned = read_provisioned(reader, scaling.max).value_or(scaling.provisioned);
  scaling.schedule = read_schedule(reader, scaling.max);
  if (!reader.ok()) parent.adopt(reader.error());
  return scaling;
}

json::object scaling_to_json(const domain::Scaling& scaling) {
  json::object object{{"min", scaling.min},
                      {"max", scaling.max},
                      {"idle", scaling.idle ? format_duration(*scaling.idle) : "auto"},
                      {"keep", scaling.keep ? format_duration(*scaling.keep) : "auto"}};
  if (scaling.target_percent != 100) object["target"] = scaling.target_percent / 100.0;
  if (scaling.provisioned > 0) object["provisioned"] = scaling.provisioned;
  json::array schedule;
  for (const domain::ProvisionedAt& entry : scaling.schedule)
    schedule.push_back({{"cron", entry.cron.expression()}, {"zone", entry.cron.zone()}, {"provisioned", entry.provisioned}});
  if (!schedule.empty()) object["schedule"] = std::move(schedule);
  return object;
}

domain::Priority read_priority(ObjectReader& parent) {
  const std::optional<std::string> word = parent.string("priority");
  if (!word) return domain::Priority::kNormal;
  const std::optional<domain::Priority> priority = domain::parse_priority(*word);
  if (!priority) parent.add_error("priority", fmt::format("'priority' is '{}', but must be critical, normal or batch", word->substr(0, 40)));
  return priority.value_or(domain::Priority::kNormal);
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

// An image or a model; what belongs to the one does not go with the other.
void read_what_runs(ObjectReader& reader, EndpointSpec& spec) {
  if (!reader.has("image")) {
    for (const std::string_view key : function_fields()) {
      if (reader.has(key)) reader.add_error(key, fmt::format("'{}' needs an 'image': it says how a function runs", key));
    }
    return read_model(reader, spec);
  }
  for (const std::string_view key : {"model", "engine", "context"}) {
    if (reader.has(key)) reader.add_error(key, fmt::format("'{}' does not go with 'image': a function brings its own", key));
  }
  spec.engine = domain::Engine::kContainer;
  spec.function = read_function(reader);
  if (spec.memory_mib && *spec.memory_mib < domain::kFunctionMemoryMibMin)
    reader.add_error("memory", fmt::format("'memory' must be at least {}MiB for a function", domain::kFunctionMemoryMibMin));
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
  Words known{"endpoint", "model", "engine", "memory", "context", "scaling", "limits", "priority"};
  known.insert(known.end(), function_fields().begin(), function_fields().end());
  refuse_unknown(reader, value.get_object(), known);
  spec.name = reader.required_string("endpoint");
  if (!domain::is_name(spec.name)) reader.add_error("endpoint", fmt::format("'{}' is no name for an endpoint: {}", spec.name.substr(0, 80), domain::kNameRule));
  spec.memory_mib = read_mib(reader, "memory", domain::kMemoryMibMax);
  read_what_runs(reader, spec);
  spec.context_tokens = reader.integer("context", 1, domain::kContextTokensMax);
  spec.scaling = read_scaling(reader);
  spec.limits = read_limits(reader);
  spec.priority = read_priority(reader);
  if (!reader.ok()) return fail(reader.error());
  return spec;
}

json::value spec_to_json(const EndpointSpec& spec) {
  json::object object{{"endpoint", spec.name}};
  if (spec.function) {
    write_function(*spec.function, object);
  } else {
    object["engine"] = to_string(spec.engine);
  }
  if (spec.model) object["model"] = domain::to_string(*spec.model);
  if (spec.memory_mib) object["memory"] = format_size(static_cast<uint64_t>(*spec.memory_mib) * kMib);
  if (spec.context_tokens) object["context"] = *spec.context_tokens;
  object["scaling"] = scaling_to_json(spec.scaling);
  object["priority"] = to_string(spec.priority);
  object["limits"] = {{"queue", spec.limits.queue}, {"wait", format_duration(spec.limits.wait)}, {"time", format_duration(spec.limits.time)}};
  return object;
}

}  // namespace ebb::wire
