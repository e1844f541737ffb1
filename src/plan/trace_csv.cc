// Splitting, and what is said of cells.
#include "plan/trace_csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>
#include <unordered_set>

namespace ebb::plan {

namespace {

void split(std::string_view line, std::vector<std::string_view>& out) {
  out.clear();
  for (;;) {
    const size_t comma = line.find(',');
    out.push_back(line.substr(0, comma));
    if (comma == std::string_view::npos) return;
    line.remove_prefix(comma + 1);
  }
}

template <class T>
bool read_whole(std::string_view text, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::vector<std::string_view> split_csv(std::string_view line) {
  std::vector<std::string_view> out;
  split(line, out);
  return out;
}

Result<TraceCsv> TraceCsv::make(TraceLines lines, std::string_view header) {
  TraceCsv csv(std::move(lines));
  std::unordered_set<std::string_view> seen;
  for (const std::string_view name : split_csv(header)) {
    if (!seen.insert(name).second) return csv.refuse(fmt::format("the column '{}' stands there twice", shown(name)));
    csv.columns_.emplace_back(name);
  }
  return csv;
}

Result<std::optional<TraceCsv>> TraceCsv::open(const std::string& file) {
  std::error_code ignored;
  if (!std::filesystem::exists(file, ignored)) return std::nullopt;
  Result<TraceLines> lines = TraceLines::open(file);
  if (!lines) return fail(lines.error());
  const Result<std::optional<std::string_view>> first = lines->next();
  if (!first) return fail(first.error());
  if (!*first) return fail(ErrorKind::kInvalid, fmt::format("{} is empty: it has no line with the names of columns", file));
  const std::string header(**first);
  return make(std::move(*lines), header);
}

std::optional<size_t> TraceCsv::find(std::string_view column) const {
  const auto found = std::ranges::find(columns_, column);
  if (found == columns_.end()) return std::nullopt;
  return static_cast<size_t>(found - columns_.begin());
}

Result<size_t> TraceCsv::require(std::string_view column) const {
  const std::optional<size_t> found = find(column);
  if (!found) return refuse(fmt::format("there is no column '{}'", column));
  return *found;
}

Result<bool> TraceCsv::next() {
  const Result<std::optional<std::string_view>> line = lines_.next();
  if (!line) return fail(line.error());
  if (!*line) return false;
  split(**line, cells_);
  if (cells_.size() != columns_.size()) return refuse_size(**line);
  return true;
}

Result<int64_t> TraceCsv::integer(size_t column, int64_t max) const {
  int64_t value = 0;
  if (!read_whole(cells_[column], value) || value < 0 || value > max)
    return refuse_cell(column, fmt::format("'{}' is no whole number from 0 to {}", shown(cells_[column]), max));
  return value;
}

// What is no number at all compares as false.
Result<double> TraceCsv::number(size_t column, double max) const {
  double value = 0;
  if (!read_whole(cells_[column], value) || !(value >= 0 && value <= max))
    return refuse_cell(column, fmt::format("'{}' is no number from 0 to {}", shown(cells_[column]), max));
  return value;
}

std::unexpected<Error> TraceCsv::refuse_cell(size_t column, std::string_view what) const {
  Error error = lines_.refuse("").error();
  error.message.resize(error.message.size() - 2);  // ": "
  error.message += fmt::format(", column {} ('{}'): {}", column + 1, shown(columns_[column]), what);
  return fail(std::move(error));
}

std::unexpected<Error> TraceCsv::refuse_size(std::string_view line) const {
  const auto fields = static_cast<size_t>(std::ranges::count(line, ',')) + 1;
  if (fields > columns_.size())
    return refuse(fmt::format("{} fields, but there are {} columns: column {} has no name", fields, columns_.size(), columns_.size() + 1));
  return refuse(
      fmt::format("{} fields, but there are {} columns: there is none for column {} ('{}')", fields, columns_.size(), fields + 1, shown(columns_[fields])));
}

}  // namespace ebb::plan
