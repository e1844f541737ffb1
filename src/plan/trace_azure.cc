// Days joined by app and function; then run times and memory for those that have calls counted.
#include "plan/trace_azure.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <unordered_map>
#include <utility>

#include "plan/trace_azure_counts.h"
#include "plan/trace_csv.h"
#include "plan/trace_names.h"

namespace ebb::plan {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kCountsName = "invocations_per_function_md";
constexpr std::string_view kTimesName = "function_durations_percentiles";
constexpr std::string_view kMemoryName = "app_memory_percentiles";
constexpr double kServiceMsMax = 31.0 * 86'400'000;  // far past what any cloud lets a call run
constexpr double kMemoryMbMax = 4.0 * 1024 * 1024;

uint64_t fnv1a(std::string_view text) {
  uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : text)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return hash;
}

class AzureFunctions {
 public:
  Status read_counts(TraceLines lines, std::string_view header);
  // These two read nothing where there is no such file.
  Status read_times(const std::string& file);
  Status read_memory(const std::string& file);
  Result<Trace> finish() &&;

 private:
  struct Function {
    const std::string* key = nullptr;
    size_t app_bytes = 0;      // how much of the key is the app
    uint32_t days = 0;         // the day on which it was last seen, from 1
    int64_t timed_calls = -1;  // what its run times are taken from
  };
  Result<uint32_t> index_of(const AzureCounts& row, const AzureCountsReader& reader);
  static Result<ServiceTimes> times_of(const TraceCsv& csv, size_t average, const std::vector<size_t>& percentiles);

  // "APP,FUNCTION": a comma is in neither.
  std::unordered_map<std::string, uint32_t> index_;
  std::unordered_map<std::string, int64_t> memory_mib_;  // by app
  std::vector<Function> functions_;
  TraceCounts counts_;
  std::string key_;  // kept for its memory
  uint32_t days_ = 0;
};

Result<uint32_t> AzureFunctions::index_of(const AzureCounts& row, const AzureCountsReader& reader) {
  key_.assign(row.app).append(1, ',').append(row.function);
  const auto [found, is_new] = index_.try_emplace(key_, static_cast<uint32_t>(functions_.size()));
  if (is_new) {
    if (functions_.size() == kTraceFunctionsMax)
      return reader.refuse(fmt::format("more than {} functions: leave some out", kTraceFunctionsMax), ErrorKind::kTooLarge);
    functions_.push_back({.key = &found->first, .app_bytes = row.app.size()});
    counts_.add_function(fnv1a(key_));
  }
  Function& function = functions_[found->second];
  if (function.days == days_)
    return reader.refuse(fmt::format("the function '{}' of the app '{}' stands in this file twice", shown(row.function), shown(row.app)));
  function.days = days_;
  return found->second;
}

Status AzureFunctions::read_counts(TraceLines lines, std::string_view header) {
  Result<TraceCsv> csv = TraceCsv::make(std::move(lines), header);
  if (!csv) return fail(csv.error());
  Result<AzureCountsReader> reader = AzureCountsReader::make(std::move(*csv));
  if (!reader) return fail(reader.error());
  const uint32_t begin = days_++ * kMinutesOfDay;
  AzureCounts row;
  for (;;) {
    const Result<bool> read = reader->next(row);
    if (!read) return fail(read.error());
    if (!*read) return {};
    const Result<uint32_t> index = index_of(row, *reader);
    if (!index) return fail(index.error());
    if (counts_.size() + row.minutes.size() > kTraceCountsMax)
      return reader->refuse(fmt::format("more than {} minutes of functions with calls: leave some functions or days out", kTraceCountsMax),
                            ErrorKind::kTooLarge);
    for (const AzureCounts::Minute& minute : row.minutes)
      counts_.add(*index, begin + minute.minute, minute.calls);
  }
}

// Without percentiles, in the file or in the row, the average stands for all of them.
Result<ServiceTimes> AzureFunctions::times_of(const TraceCsv& csv, size_t average, const std::vector<size_t>& percentiles) {
  ServiceTimes times{};
  const bool has_all = percentiles.size() == times.size() && std::ranges::none_of(percentiles, [&](size_t column) { return csv.cell(column).empty(); });
  for (size_t i = 0; i < times.size(); ++i) {
    const Result<double> ms = csv.number(has_all ? percentiles[i] : average, kServiceMsMax);
    if (!ms) return fail(ms.error());
    times[i] = static_cast<float>(*ms);
  }
  return times;
}

Status AzureFunctions::read_times(const std::string& file) {
  Result<std::optional<TraceCsv>> opened = TraceCsv::open(file);
  if (!opened) return fail(opened.error());
  if (!*opened) return {};
  TraceCsv& csv = **opened;
  std::vector<size_t> columns;
  for (const char* name : {"HashApp", "HashFunction", "Average", "Count"}) {
    const Result<size_t> column = csv.require(name);
    if (!column) return fail(column.error());
    columns.push_back(*column);
  }
  std::vector<size_t> percentiles;
  for (const int percentile : kPercentiles)
    if (const auto column = csv.find(fmt::format("percentile_Average_{}", percentile))) percentiles.push_back(*column);
  for (;;) {
    const Result<bool> row = csv.next();
    if (!row) return fail(row.error());
    if (!*row) return {};
    const Result<ServiceTimes> times = times_of(csv, columns[2], percentiles);
    if (!times) return fail(times.error());
    const Result<int64_t> calls = csv.integer(columns[3], INT64_MAX);
    if (!calls) return fail(calls.error());
    key_.assign(csv.cell(columns[0])).append(1, ',').append(csv.cell(columns[1]));
    const auto found = index_.find(key_);
    if (found == index_.end() || functions_[found->second].timed_calls >= *calls) continue;
    functions_[found->second].timed_calls = *calls;
    counts_.set_service(found->second, *times);
  }
}

Status AzureFunctions::read_memory(const std::string& file) {
  Result<std::optional<TraceCsv>> opened = TraceCsv::open(file);
  if (!opened) return fail(opened.error());
  if (!*opened) return {};
  TraceCsv& csv = **opened;
  const Result<size_t> app = csv.require("HashApp");
  if (!app) return fail(app.error());
  const Result<size_t> average = csv.require("AverageAllocatedMb");
  if (!average) return fail(average.error());
  for (;;) {
    const Result<bool> row = csv.next();
    if (!row) return fail(row.error());
    if (!*row) return {};
    const Result<double> mb = csv.number(*average, kMemoryMbMax);
    if (!mb) return fail(mb.error());
    if (memory_mib_.size() == kTraceFunctionsMax) return csv.refuse(fmt::format("more than {} apps: leave some out", kTraceFunctionsMax), ErrorKind::kTooLarge);
    int64_t& mib = memory_mib_[std::string(csv.cell(*app))];
    mib = std::max(mib, int64_t{std::lround(*mb)});
  }
}

Result<Trace> AzureFunctions::finish() && {
  if (functions_.empty()) return fail(ErrorKind::kInvalid, "the trace has no functions: there is a line with the names of columns, and nothing after it");
  std::vector<TraceKey> keys;
  for (const Function& function : functions_) {
    const std::string_view key = *function.key;
    keys.push_back({.app = key.substr(0, function.app_bytes), .function = key.substr(function.app_bytes + 1)});
  }
  std::vector<std::string> names = trace_names(keys);
  std::vector<TraceFunction> functions(names.size());
  for (size_t i = 0; i < names.size(); ++i) {
    const auto memory = memory_mib_.find(std::string(keys[i].app));
    functions[i] = {.name = std::move(names[i]), .memory_mib = memory == memory_mib_.end() ? 0 : memory->second};
  }
  return Trace("azure-functions-2019", std::move(functions), std::move(counts_), days_ * std::chrono::minutes(kMinutesOfDay));
}

// The file's name with `from` replaced by `to`; empty: it is not in it.
std::string sibling(const fs::path& file, std::string_view from, std::string_view to) {
  std::string name = file.filename();
  const size_t at = name.rfind(from);
  if (at == std::string::npos) return {};
  return file.parent_path() / name.replace(at, from.size(), to);
}

Status read_day(AzureFunctions& functions, TraceLines lines, std::string_view header) {
  const fs::path file = lines.file();
  if (Status read = functions.read_counts(std::move(lines), header); !read) return read;
  const bool published = file.filename().string().contains(kCountsName);
  const std::string times = published ? sibling(file, kCountsName, kTimesName) : sibling(file, "-inv", "-run");
  const std::string memory = published ? sibling(file, kCountsName, kMemoryName) : sibling(file, "-inv", "-mem");
  if (Status read = times.empty() ? Status() : functions.read_times(times); !read) return read;
  return memory.empty() ? Status() : functions.read_memory(memory);
}

// "….d07.csv" is day 7.
std::optional<uint32_t> day_of(const fs::path& file) {
  const std::string name = file.filename();
  if (!name.starts_with(kCountsName) || file.extension() != ".csv") return std::nullopt;
  const std::string day = file.stem().extension();
  uint32_t number = 0;
  if (!day.starts_with(".d")) return std::nullopt;
  const auto [end, error] = std::from_chars(day.data() + 2, day.data() + day.size(), number);
  if (error != std::errc() || end != day.data() + day.size() || number == 0 || number > kTraceDaysMax) return std::nullopt;
  return number;
}

Result<std::map<uint32_t, std::string>> days_in(const std::string& folder) {
  std::map<uint32_t, std::string> days;
  std::error_code error;
  for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
    const std::optional<uint32_t> day = day_of(at->path());
    if (!day) continue;
    const auto [other, is_new] = days.emplace(*day, at->path());
    if (!is_new) return fail(ErrorKind::kInvalid, fmt::format("{} and {} are both day {}: leave one out", other->second, at->path().string(), *day));
  }
  if (error) return fail(errno_error(fmt::format("cannot read the folder {}", folder), error.value()));
  if (days.empty())
    return fail(ErrorKind::kInvalid, fmt::format("{} has no traces: a folder is read if it has {}.anon.d01.csv and so on", folder, kCountsName));
  for (auto day = std::next(days.begin()); day != days.end(); ++day) {
    const uint32_t before = std::prev(day)->first;
    if (day->first != before + 1)
      return fail(ErrorKind::kInvalid,
                  fmt::format("{} has day {} and day {}, but not day {}: days must follow each other", folder, before, day->first, before + 1));
  }
  return days;
}

}  // namespace

bool is_azure_functions(std::string_view header) {
  const std::vector<std::string_view> columns = split_csv(header);
  const auto has = [&](std::string_view name) { return std::ranges::find(columns, name) != columns.end(); };
  return (has("HashApp") || has("HashFunction")) && std::ranges::any_of(columns, [](std::string_view name) { return minute_of(name).has_value(); });
}

Result<Trace> read_azure_day(TraceLines lines, std::string_view header) {
  AzureFunctions functions;
  const std::string file = lines.file();
  if (Status read = read_day(functions, std::move(lines), header); !read) return fail(read.error());
  Result<Trace> trace = std::move(functions).finish();
  return trace ? std::move(trace) : fail(trace.error().with_context(file));
}

Result<Trace> read_azure_days(const std::string& folder) {
  const Result<std::map<uint32_t, std::string>> days = days_in(folder);
  if (!days) return fail(days.error());
  AzureFunctions functions;
  for (const auto& [day, file] : *days) {
    Result<TraceLines> lines = TraceLines::open(file);
    if (!lines) return fail(lines.error());
    const Result<std::optional<std::string_view>> first = lines->next();
    if (!first) return fail(first.error());
    if (!*first) return fail(ErrorKind::kInvalid, fmt::format("{} is empty: it has no line with the names of columns", file));
    const std::string header(**first);
    if (Status read = read_day(functions, std::move(*lines), header); !read) return fail(read.error());
  }
  Result<Trace> trace = std::move(functions).finish();
  return trace ? std::move(trace) : fail(trace.error().with_context(folder));
}

}  // namespace ebb::plan
