// Tables with a line of column names, whose columns are found by name. No quotes: what such files have is hashes and numbers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plan/trace_lines.h"

namespace ebb::plan {

// Its fields; one if there is no comma.
std::vector<std::string_view> split_csv(std::string_view line);

class TraceCsv {
 public:
  // `header` was the first line of `lines`. kInvalid: a name stands twice in it.
  static Result<TraceCsv> make(TraceLines lines, std::string_view header);
  // As above, of a file of its own; nullopt: there is no such file.
  static Result<std::optional<TraceCsv>> open(const std::string& file);

  const std::vector<std::string>& columns() const { return columns_; }
  std::optional<size_t> find(std::string_view column) const;
  // kInvalid: there is none.
  Result<size_t> require(std::string_view column) const;

  // A row as it stands in the file; valid until the next call. nullopt: there is none.
  Result<std::optional<std::string_view>> next_line() { return lines_.next(); }
  // Reads a row's cells; false: there is none. kInvalid: it has too few fields or too many.
  Result<bool> next();
  // Of the row that next() read.
  std::string_view cell(size_t column) const { return cells_[column]; }
  // From 0 to `max`; kInvalid otherwise.
  Result<int64_t> integer(size_t column, int64_t max) const;
  Result<double> number(size_t column, double max) const;

  const TraceLines& lines() const { return lines_; }
  std::unexpected<Error> refuse(std::string_view what, ErrorKind kind = ErrorKind::kInvalid) const { return lines_.refuse(what, kind); }
  // "FILE, line N, column 4 ('minute_1'): what".
  std::unexpected<Error> refuse_cell(size_t column, std::string_view what) const;
  // Of the row that came last: it has fewer fields than there are columns, or more.
  std::unexpected<Error> refuse_size(std::string_view line) const;

 private:
  explicit TraceCsv(TraceLines lines) : lines_(std::move(lines)) {}

  TraceLines lines_;
  std::vector<std::string> columns_;
  std::vector<std::string_view> cells_;
};

}  // namespace ebb::plan
