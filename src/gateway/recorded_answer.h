// An answer as its client got it, and as text that is kept of it. Pure.
//
//   ebb answer 1 LF  form LF  status LF  whose LF  length or - LF  content type LF  count LF  headers: name LF value LF …  count LF  trailers …  body
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "gateway/errors.h"

namespace ebb::gateway {

enum class AnswerForm {
  kWhole,
  kStream,
  kCut,  // a stream without its end
};

struct RecordedAnswer {
  Response response = {};  // with all of the body
  AnswerForm form = AnswerForm::kWhole;
  std::optional<uint64_t> length = {};  // that a stream announced
  std::vector<std::pair<std::string, std::string>> trailers = {};
};

std::string write_recorded(const RecordedAnswer& answer);
// Error: kCorrupt.
Result<RecordedAnswer> read_recorded(std::string_view text);

}  // namespace ebb::gateway
