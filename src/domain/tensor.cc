// Words, sizes and checks of tensors.
#include "domain/tensor.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "domain/limits.h"

namespace ebb::domain {

namespace {

struct TypeRow {
  std::string_view word;
  size_t bytes;
};
// In the order of DataType.
constexpr std::array<TypeRow, kDataTypes> kTypes{{{"BOOL", 1},
                                                  {"UINT8", 1},
                                                  {"UINT16", 2},
                                                  {"UINT32", 4},
                                                  {"UINT64", 8},
                                                  {"INT8", 1},
                                                  {"INT16", 2},
                                                  {"INT32", 4},
                                                  {"INT64", 8},
                                                  {"FP16", 2},
                                                  {"BF16", 2},
                                                  {"FP32", 4},
                                                  {"FP64", 8},
                                                  {"BYTES", 0}}};

std::unexpected<Error> wrong(const Tensor& tensor, std::string_view what) {
  return fail(ErrorKind::kInvalid, fmt::format("tensor '{}': {}", tensor.head.name, what), "inputs");
}

// How many elements the length-prefixed bytes hold; -1: they end in the middle of one.
int64_t count_bytes_elements(std::string_view data) {
  int64_t count = 0;
  while (!data.empty()) {
    uint32_t length = 0;
    if (data.size() < sizeof length) return -1;
    std::memcpy(&length, data.data(), sizeof length);
    if (data.size() - sizeof length < length) return -1;
    data.remove_prefix(sizeof length + length);
    ++count;
  }
  return count;
}

}  // namespace

std::string_view to_string(DataType type) { return kTypes.at(static_cast<size_t>(type)).word; }

Result<DataType> parse_data_type(std::string_view word) {
  const auto found = std::ranges::find(kTypes, word, &TypeRow::word);
  if (found != kTypes.end()) return static_cast<DataType>(found - kTypes.begin());
  std::vector<std::string_view> words;
  for (const TypeRow& row : kTypes)
    words.push_back(row.word);
  return fail(ErrorKind::kInvalid, fmt::format("'{}' is not a data type: there are {}", word.substr(0, 40), fmt::join(words, ", ")), "datatype");
}

size_t element_bytes(DataType type) { return kTypes.at(static_cast<size_t>(type)).bytes; }

Result<int64_t> element_count(std::span<const int64_t> shape) {
  if (shape.size() > kTensorDimensionsMax)
    return fail(ErrorKind::kInvalid, fmt::format("a shape has {} dimensions: at most {} are taken", shape.size(), kTensorDimensionsMax), "shape");
  int64_t count = 1;
  bool none = false;
  for (const int64_t dimension : shape) {
    if (dimension < 0) return fail(ErrorKind::kInvalid, fmt::format("a shape has the negative dimension {}", dimension), "shape");
    if (dimension == 0) {
      none = true;
    } else if (count > static_cast<int64_t>(kTensorBytesMax) / dimension) {
      return fail(ErrorKind::kInvalid,
                  fmt::format("the shape [{}] has more elements than the {} MiB that are taken", fmt::join(shape, ","), kTensorBytesMax >> 20U), "shape");
    } else {
      count *= dimension;
    }
  }
  return none ? 0 : count;
}

Status check_tensor(const Tensor& tensor) {
  const Result<int64_t> count = element_count(tensor.head.shape);
  if (!count) return wrong(tensor, count.error().message);
  if (tensor.head.type == DataType::kBytes) {
    const int64_t there = count_bytes_elements(tensor.data);
    if (there < 0) return wrong(tensor, "its BYTES end in the middle of an element");
    if (there != *count)
      return wrong(tensor, fmt::format("its shape [{}] asks for {} elements and there are {}", fmt::join(tensor.head.shape, ","), *count, there));
    return {};
  }
  const size_t wanted = static_cast<size_t>(*count) * element_bytes(tensor.head.type);
  if (tensor.data.size() != wanted)
    return wrong(tensor, fmt::format("{} of shape [{}] takes {} bytes and there are {}", to_string(tensor.head.type), fmt::join(tensor.head.shape, ","), wanted,
                                     tensor.data.size()));
  return {};
}

std::string to_string(const TensorSpec& spec) { return fmt::format("{} [{}]", to_string(spec.type), fmt::join(spec.shape, ",")); }

}  // namespace ebb::domain
