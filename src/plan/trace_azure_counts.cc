// A million rows have 1.4 billion cells: zeros are passed over, several at once, and no cell is copied.
#include "plan/trace_azure_counts.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "plan/trace_call.h"

namespace ebb::plan {

namespace {

constexpr int kApp = -1;
constexpr int kFunction = -2;
constexpr int kNotNeeded = -3;
constexpr std::string_view kZero = "0,";
constexpr std::string_view kZeros = "0,0,0,0,0,0,0,0,";
constexpr uint8_t kZerosCount = 8;

int role_of(std::string_view column) {
  if (column == "HashApp") return kApp;
  if (column == "HashFunction") return kFunction;
  const std::optional<uint32_t> minute = minute_of(column);
  return minute ? static_cast<int>(*minute) : kNotNeeded;
}

bool is_key(int role) { return role == kApp || role == kFunction; }

}  // namespace

std::optional<uint32_t> minute_of(std::string_view column) {
  if (column.starts_with("minute_")) column.remove_prefix(7);
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(column.data(), column.data() + column.size(), number);
  if (error != std::errc() || end != column.data() + column.size() || number < 1 || number > kMinutesOfDay || column[0] == '0') return std::nullopt;
  return number - 1;
}

Result<AzureCountsReader> AzureCountsReader::make(TraceCsv csv) {
  AzureCountsReader reader(std::move(csv));
  for (const char* key : {"HashApp", "HashFunction"})
    if (const Result<size_t> found = reader.csv_.require(key); !found) return fail(found.error());
  std::vector<bool> seen(kMinutesOfDay);
  for (const std::string& column : reader.csv_.columns()) {
    const int role = role_of(column);
    reader.minutes_.push_back(role);
    if (role < 0) continue;
    if (seen[static_cast<size_t>(role)]) return reader.refuse(fmt::format("minute {} has two columns", role + 1));
    seen[static_cast<size_t>(role)] = true;
  }
  if (const auto missing = std::ranges::find(seen, false); missing != seen.end())
    return reader.refuse(fmt::format("there is no column for minute {0} of {1} ('{0}' or 'minute_{0}')", missing - seen.begin() + 1, kMinutesOfDay));
  reader.no_keys_.resize(reader.minutes_.size());
  for (size_t i = reader.minutes_.size(), count = 0; i-- > 0;) {
    count = is_key(reader.minutes_[i]) ? 0 : std::min<size_t>(count + 1, kZerosCount);
    reader.no_keys_[i] = static_cast<uint8_t>(count);
  }
  return reader;
}

Result<bool> AzureCountsReader::next(AzureCounts& row) {
  const Result<std::optional<std::string_view>> line = csv_.next_line();
  if (!line) return fail(line.error());
  if (!*line) return false;
  row.minutes.clear();
  const size_t columns = minutes_.size();
  std::string_view rest = **line;
  size_t column = 0;
  for (bool more = true; more;) {
    if (column == columns) return csv_.refuse_size(**line);
    if (no_keys_[column] == kZerosCount && rest.starts_with(kZeros)) {
      rest.remove_prefix(kZeros.size());
      column += kZerosCount;
      continue;
    }
    if (no_keys_[column] > 0 && rest.starts_with(kZero)) {
      rest.remove_prefix(kZero.size());
      ++column;
      continue;
    }
    const size_t comma = rest.find(',');
    more = comma != std::string_view::npos;
    if (Status read = read_cell(column, rest.substr(0, comma), row); !read) return fail(read.error());
    rest.remove_prefix(more ? comma + 1 : rest.size());
    ++column;
  }
  if (column < columns) return csv_.refuse_size(**line);
  // The columns may stand in any order.
  if (!std::ranges::is_sorted(row.minutes, {}, &AzureCounts::Minute::minute)) std::ranges::sort(row.minutes, {}, &AzureCounts::Minute::minute);
  return true;
}

Status AzureCountsReader::read_cell(size_t column, std::string_view cell, AzureCounts& row) const {
  const int role = minutes_[column];
  if (role == kNotNeeded) return {};
  if (is_key(role)) {
    if (cell.empty()) return csv_.refuse_cell(column, "it is empty, and names the function");
    (role == kApp ? row.app : row.function) = cell;
    return {};
  }
  uint32_t calls = 0;
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), calls);
  if (error != std::errc() || end != cell.data() + cell.size() || calls > kTraceCallsPerMinuteMax)
    return csv_.refuse_cell(column, fmt::format("'{}' is no count of calls, a whole number from 0 to {}", shown(cell), kTraceCallsPerMinuteMax));
  if (calls > 0) row.minutes.push_back({.minute = static_cast<uint32_t>(role), .calls = calls});
  return {};
}

}  // namespace ebb::plan
