// The extension "classification": the largest elements, and where they stand.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include "wire/oip.h"

namespace ebb::wire {

namespace {

using domain::DataType;

template <class T>
std::vector<double> numbers_as(std::string_view data) {
  std::vector<double> out(data.size() / sizeof(T));
  for (size_t i = 0; i < out.size(); ++i) {
    T value{};
    std::memcpy(&value, data.data() + i * sizeof value, sizeof value);
    out[i] = static_cast<double>(value);
  }
  return out;
}

Result<std::vector<double>> numbers_of(const domain::Tensor& tensor) {
  switch (tensor.head.type) {
    case DataType::kUint8: return numbers_as<uint8_t>(tensor.data);
    case DataType::kUint16: return numbers_as<uint16_t>(tensor.data);
    case DataType::kUint32: return numbers_as<uint32_t>(tensor.data);
    case DataType::kUint64: return numbers_as<uint64_t>(tensor.data);
    case DataType::kInt8: return numbers_as<int8_t>(tensor.data);
    case DataType::kInt16: return numbers_as<int16_t>(tensor.data);
    case DataType::kInt32: return numbers_as<int32_t>(tensor.data);
    case DataType::kInt64: return numbers_as<int64_t>(tensor.data);
    case DataType::kFp32: return numbers_as<float>(tensor.data);
    case DataType::kFp64: return numbers_as<double>(tensor.data);
    case DataType::kBool:
    case DataType::kFp16:
    case DataType::kBf16:
    case DataType::kBytes: break;
  }
  return fail(ErrorKind::kInvalid, fmt::format("'classification' is not for {}", to_string(tensor.head.type)));
}

void append_classes(std::string& out, std::span<const double> row, int64_t count) {
  std::vector<size_t> order(row.size());
  std::iota(order.begin(), order.end(), size_t{0});
  // NaN is smaller than every number; what is equal keeps its order.
  const auto before = [&](size_t a, size_t b) {
    if (std::isnan(row[a]) != std::isnan(row[b])) return std::isnan(row[b]);
    if (row[a] > row[b]) return true;
    return !(row[a] < row[b]) && a < b;
  };
  std::partial_sort(order.begin(), order.begin() + count, order.end(), before);
  for (int64_t i = 0; i < count; ++i) {
    const size_t index = order[static_cast<size_t>(i)];
    const std::string text = fmt::format("{:f}:{}", row[index], index);
    const auto length = static_cast<uint32_t>(text.size());
    out.append(reinterpret_cast<const char*>(&length), sizeof length);
    out += text;
  }
}

}  // namespace

Result<domain::Tensor> classify(const domain::Tensor& tensor, int64_t count) {
  const Result<std::vector<double>> numbers = numbers_of(tensor);
  if (!numbers) return fail(numbers.error());
  const bool batch = tensor.head.shape.size() > 1;
  const auto rows = static_cast<size_t>(batch ? tensor.head.shape.front() : 1);
  const size_t width = rows == 0 ? 0 : numbers->size() / rows;
  const int64_t shown = std::min(count, static_cast<int64_t>(width));
  domain::Tensor out{.head = {.name = tensor.head.name, .type = DataType::kBytes, .shape = {shown}}, .data = {}};
  if (batch) out.head.shape.insert(out.head.shape.begin(), static_cast<int64_t>(rows));
  for (size_t row = 0; row < rows; ++row)
    append_classes(out.data, std::span(*numbers).subspan(row * width, width), shown);
  return out;
}

}  // namespace ebb::wire
