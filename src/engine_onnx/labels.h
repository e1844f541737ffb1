// What a classifier gives, as labels with scores. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/call.h"
#include "wire/manifest.h"

namespace ebb::engine_onnx {

// A label a line. Error kCorrupt: none, one that is empty, too long or no UTF-8.
Result<std::vector<std::string>> read_labels(std::span<const char> file);

// The `top` likeliest, the first the likeliest. `raw` is what the model gave for one item, a number for each label.
// Error kInternal: another number of them, or one that is no number.
Result<domain::Labels> best_labels(std::span<const float> raw, wire::Scores scores, std::span<const std::string> labels, int top);

}  // namespace ebb::engine_onnx
