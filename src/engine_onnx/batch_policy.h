// Which of the parts that wait go through the model together. Pure.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ebb::engine_onnx {

struct PartSize {
  // Parts of the same kind differ only in the first dimension of their inputs. Empty: the part runs alone.
  std::string kind;
  int64_t rows = 1;
  size_t bytes = 0;  // of its inputs
};

// The first of the waiting parts, and those behind it that are of its kind as long as they fit: at most `rows_max` rows and `bytes_max` bytes together.
// A part that is larger by itself runs alone. Indices into `waiting`, rising; empty only if nothing waits.
std::vector<size_t> choose_batch(std::span<const PartSize> waiting, int64_t rows_max, size_t bytes_max);

}  // namespace ebb::engine_onnx
