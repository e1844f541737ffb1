// One reader for each layout, and what is done with the calls of all.
#include "plan/trace_listed.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <unordered_map>

#include "base/json.h"
#include "domain/endpoint.h"
#include "domain/limits.h"
#include "domain/usage.h"
#include "plan/trace_csv.h"
#include "plan/trace_names.h"
#include "wire/admin_json.h"

namespace ebb::plan {

namespace {

constexpr int64_t kTokensMax = INT32_MAX;
// In the year 2096: what is past it is no time of a call, and until then nanoseconds fit.
constexpr int64_t kEpochMsMax = 4'000'000'000'000;
constexpr int64_t kCallNsMax = 366LL * 86'400'000'000'000;

// Calls as they come, `at` since any moment.
class CallList {
 public:
  Status add(const TraceLines& lines, const TraceCall& call) {
    if (calls_.size() == kTraceListedCallsMax)
      return lines.refuse(fmt::format("more than {} calls: leave the rest out", kTraceListedCallsMax), ErrorKind::kTooLarge);
    calls_.push_back(call);
    return {};
  }

  Result<Trace> finish(const TraceLines& lines, std::string layout, std::vector<TraceFunction> functions) && {
    if (calls_.empty()) return fail(ErrorKind::kInvalid, fmt::format("{} has no calls", lines.file()));
    // In place: there may be many. Calls of one moment keep their order only where nothing was out of order.
    if (!std::ranges::is_sorted(calls_, {}, &TraceCall::at)) std::ranges::sort(calls_);
    const nanoseconds begin = calls_.front().at;
    for (TraceCall& call : calls_)
      call.at -= begin;
    return Trace(std::move(layout), std::move(functions), std::move(calls_), {.begin = WallTime(std::chrono::floor<milliseconds>(begin)), .length = {}});
  }

 private:
  std::vector<TraceCall> calls_;
};

std::vector<TraceFunction> named_by_file(const TraceLines& lines) { return {{.name = legal_name(std::filesystem::path(lines.file()).stem().string())}}; }

// "2023-11-16 18:17:03.9799600" since 1970; "T" for the blank, and "Z" or "+00:00" after it, as later traces have it.
std::optional<nanoseconds> timestamp(std::string_view text) {
  for (const std::string_view zone : {"Z", "+00:00"})
    if (text.ends_with(zone)) text.remove_suffix(zone.size());
  if (text.size() < 19 || (text[10] != ' ' && text[10] != 'T')) return std::nullopt;
  const Result<WallTime> second = wire::parse_time(fmt::format("{}T{}Z", text.substr(0, 10), text.substr(11, 8)));
  if (!second || second->time_since_epoch().count() > kEpochMsMax) return std::nullopt;
  std::string_view fraction = text.substr(19);
  if (fraction.empty()) return second->time_since_epoch();
  fraction.remove_prefix(1);
  if (text[19] != '.' || fraction.empty() || fraction.size() > 9) return std::nullopt;
  int64_t part = 0;
  for (size_t i = 0; i < 9; ++i) {
    const char digit = i < fraction.size() ? fraction[i] : '0';
    if (digit < '0' || digit > '9') return std::nullopt;
    part = part * 10 + (digit - '0');
  }
  return second->time_since_epoch() + nanoseconds(part);
}

Result<json::value> parse_line(const TraceLines& lines, std::string_view line) {
  json::parse_options options;
  options.max_depth = kJsonDepthMax;
  json::parser parser({}, options);
  json::error_code error;
  const size_t used = parser.write_some(line.data(), line.size(), error);
  if (!error && line.find_first_not_of(" \t", used) != std::string_view::npos) error = json::error::extra_data;
  if (error) return lines.refuse(fmt::format("no valid JSON: {} at column {}", error.message(), used + 1));
  return parser.release();
}

int64_t required_integer(ObjectReader& reader, std::string_view key, int64_t max) {
  if (!reader.has(key)) reader.add_error(key, fmt::format("'{}' is required", key));
  return reader.integer(key, 0, max).value_or(0);
}

// Reads a JSON object of each line into `read(reader)`, which gives a call, or nullopt for what is none.
template <class Read>
Status read_objects(TraceLines& lines, std::string_view first, CallList& calls, const Read& read) {
  for (std::optional<std::string_view> line = first; line;) {
    const Result<json::value> value = parse_line(lines, *line);
    if (!value) return fail(value.error());
    if (!value->is_object()) return lines.refuse("the line is no JSON object");
    ObjectReader reader(*value, "");
    const std::optional<TraceCall> call = read(reader);
    if (!reader.ok()) return lines.refuse(reader.error().message);
    if (Status added = call ? calls.add(lines, *call) : Status(); !added) return added;
    Result<std::optional<std::string_view>> following = lines.next();
    if (!following) return fail(following.error());
    line = *following;
  }
  return {};
}

std::optional<TraceCall> mooncake_call(ObjectReader& reader) {
  if (!reader.has("timestamp")) reader.add_error("timestamp", "'timestamp' is required");
  const double ms = reader.number("timestamp", 0, static_cast<double>(kEpochMsMax)).value_or(0);
  return TraceCall{.at = nanoseconds(std::llround(ms * 1e6)),
                   .prompt_tokens = static_cast<int32_t>(required_integer(reader, "input_length", kTokensMax)),
                   .completion_tokens = static_cast<int32_t>(required_integer(reader, "output_length", kTokensMax))};
}

// Endpoints in the order in which they come.
class Endpoints {
 public:
  std::optional<TraceCall> call(ObjectReader& reader) {
    const std::string name = reader.required_string("endpoint");
    if (!domain::is_name(name)) reader.add_error("endpoint", fmt::format("'endpoint' is '{}', which is no name: {}", shown(name), domain::kNameRule));
    const Result<WallTime> ended = wire::parse_time(reader.required_string("ended"));
    if (!ended) reader.add_error("ended", fmt::format("'ended': {}", ended.error().message));
    if (ended && ended->time_since_epoch().count() > kEpochMsMax) reader.add_error("ended", "'ended' is later than the year 2096");
    const auto tier = domain::parse_tier(reader.string("tier").value_or("warm"));
    if (!tier) reader.add_error("tier", fmt::format("'tier': {}", tier.error().message));
    const nanoseconds total(required_integer(reader, "total_ns", kCallNsMax));
    const nanoseconds queued(reader.integer("queued_ns", 0, total.count()).value_or(0));
    const nanoseconds start(reader.integer("start_ns", 0, kCallNsMax).value_or(0));
    const int64_t memory_mib = reader.integer("memory_mib", 0, domain::kMemoryMibMax).value_or(0);
    const auto prompt = static_cast<int32_t>(reader.integer("prompt_tokens", 0, kTokensMax).value_or(0));
    const auto completion = static_cast<int32_t>(reader.integer("completion_tokens", 0, kTokensMax).value_or(0));
    if (!reader.ok() || *tier == domain::Tier::kInit) return std::nullopt;
    const uint32_t function = index_of(name, memory_mib, reader);
    if (*tier == domain::Tier::kCold && start.count() > 0) add_start(function, start);
    return TraceCall{
        .at = ended->time_since_epoch() - total, .service = total - queued, .function = function, .prompt_tokens = prompt, .completion_tokens = completion};
  }

  std::vector<TraceFunction> functions;

 private:
  // What an endpoint was billed for at most, over its revisions.
  uint32_t index_of(const std::string& name, int64_t memory_mib, ObjectReader& reader) {
    const auto [found, is_new] = index_.try_emplace(name, static_cast<uint32_t>(functions.size()));
    if (is_new) functions.push_back({.name = name});
    if (functions.size() > kTraceFunctionsMax) reader.add_error("endpoint", fmt::format("more than {} endpoints: leave some out", kTraceFunctionsMax));
    TraceFunction& function = functions[found->second];
    function.memory_mib = std::max(function.memory_mib, memory_mib);
    return found->second;
  }

  // What starts of an instance took on an average: of calls that saw one from its begin, and of those that came later and saw its end only.
  void add_start(uint32_t function, nanoseconds start) {
    Starts& starts = starts_[function];
    starts.sum += start;
    functions[function].start = starts.sum / ++starts.count;
  }

  struct Starts {
    nanoseconds sum{0};
    int64_t count = 0;
  };
  std::unordered_map<std::string, uint32_t> index_;
  std::unordered_map<uint32_t, Starts> starts_;
};

bool is_object_with(std::string_view line, std::string_view key) {
  if (!line.starts_with('{')) return false;
  const Result<json::value> value = parse_json(line);
  return value && value->is_object() && value->get_object().contains(key);
}

}  // namespace

bool is_azure_llm(std::string_view line) {
  return std::ranges::any_of(split_csv(line), [](std::string_view column) { return column == "TIMESTAMP"; });
}
bool is_mooncake(std::string_view line) { return is_object_with(line, "timestamp"); }
bool is_usage(std::string_view line) { return is_object_with(line, "endpoint"); }

Result<Trace> read_azure_llm(TraceLines lines, std::string_view first) {
  Result<TraceCsv> csv = TraceCsv::make(std::move(lines), first);
  if (!csv) return fail(csv.error());
  size_t columns[3] = {};
  for (size_t i = 0; const char* name : {"TIMESTAMP", "ContextTokens", "GeneratedTokens"}) {
    const Result<size_t> column = csv->require(name);
    if (!column) return fail(column.error());
    columns[i++] = *column;
  }
  CallList calls;
  for (;;) {
    const Result<bool> row = csv->next();
    if (!row) return fail(row.error());
    if (!*row) break;
    const std::optional<nanoseconds> at = timestamp(csv->cell(columns[0]));
    if (!at) return csv->refuse_cell(columns[0], fmt::format("'{}' is no time such as 2023-11-16 18:17:03.9799600", shown(csv->cell(columns[0]))));
    const Result<int64_t> prompt = csv->integer(columns[1], kTokensMax);
    if (!prompt) return fail(prompt.error());
    const Result<int64_t> completion = csv->integer(columns[2], kTokensMax);
    if (!completion) return fail(completion.error());
    const TraceCall call{.at = *at, .prompt_tokens = static_cast<int32_t>(*prompt), .completion_tokens = static_cast<int32_t>(*completion)};
    if (Status added = calls.add(csv->lines(), call); !added) return fail(added.error());
  }
  return std::move(calls).finish(csv->lines(), "azure-llm-2023", named_by_file(csv->lines()));
}

Result<Trace> read_mooncake(TraceLines lines, std::string_view first) {
  CallList calls;
  if (Status read = read_objects(lines, first, calls, mooncake_call); !read) return fail(read.error());
  return std::move(calls).finish(lines, "mooncake", named_by_file(lines));
}

Result<Trace> read_usage(TraceLines lines, std::string_view first) {
  CallList calls;
  Endpoints endpoints;
  if (Status read = read_objects(lines, first, calls, [&](ObjectReader& reader) { return endpoints.call(reader); }); !read) return fail(read.error());
  return std::move(calls).finish(lines, "ebb-usage", std::move(endpoints.functions));
}

}  // namespace ebb::plan
