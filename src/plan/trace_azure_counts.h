// The table of counts: rows of 1,440 minutes, most of which are 0.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plan/trace_csv.h"

namespace ebb::plan {

inline constexpr uint32_t kMinutesOfDay = 1440;

struct AzureCounts {
  struct Minute {
    uint32_t minute = 0;  // from 0
    uint32_t calls = 0;   // at least 1
    bool operator==(const Minute&) const = default;
  };
  std::string_view app;
  std::string_view function;
  std::vector<Minute> minutes;  // in their order
};

class AzureCountsReader {
 public:
  // kInvalid: a column is missing.
  static Result<AzureCountsReader> make(TraceCsv csv);

  // The next row, its texts valid until the next call; false: there is none.
  Result<bool> next(AzureCounts& row);
  std::unexpected<Error> refuse(std::string_view what, ErrorKind kind = ErrorKind::kInvalid) const { return csv_.refuse(what, kind); }

 private:
  explicit AzureCountsReader(TraceCsv csv) : csv_(std::move(csv)) {}
  Status read_cell(size_t column, std::string_view cell, AzureCounts& row) const;

  TraceCsv csv_;
  std::vector<int> minutes_;      // of each column; a negative mark if it is none
  std::vector<uint8_t> no_keys_;  // of each column, how many from it on are no keys: at most as many as are passed over at once
};

// The minute of a column, from 0 ("1" or "minute_1" is the first).
std::optional<uint32_t> minute_of(std::string_view column);

}  // namespace ebb::plan
