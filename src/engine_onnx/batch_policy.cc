// First come, first served; whoever fits comes along.
#include "engine_onnx/batch_policy.h"

namespace ebb::engine_onnx {

std::vector<size_t> choose_batch(std::span<const PartSize> waiting, int64_t rows_max, size_t bytes_max) {
  if (waiting.empty()) return {};
  const PartSize& first = waiting.front();
  std::vector<size_t> chosen{0};
  if (first.kind.empty()) return chosen;
  int64_t rows = first.rows;
  size_t bytes = first.bytes;
  for (size_t i = 1; i < waiting.size(); ++i) {
    const PartSize& next = waiting[i];
    if (next.kind != first.kind || rows + next.rows > rows_max || bytes + next.bytes > bytes_max) continue;
    rows += next.rows;
    bytes += next.bytes;
    chosen.push_back(i);
  }
  return chosen;
}

}  // namespace ebb::engine_onnx
