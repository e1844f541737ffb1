// ONNX models and packages for tests, written field by field as the protobuf of onnx.proto has them: sound ones, and any that no exporter would make.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "domain/tensor.h"
#include "engine_onnx/tensors.h"
#include "wire/package.h"

namespace ebb::engine_onnx::test {

// One field of a message.
inline std::string varint(uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7U)
    bytes += static_cast<char>(value | 0x80U);
  bytes += static_cast<char>(value);
  return bytes;
}
inline std::string field(uint32_t number, uint64_t value) { return varint(number << 3U) + varint(value); }
inline std::string field(uint32_t number, std::string_view bytes) { return varint(number << 3U | 2U) + varint(bytes.size()) + std::string(bytes); }

using Shape = std::vector<int64_t>;
using domain::DataType;

inline uint64_t number_of(DataType type) { return static_cast<uint64_t>(library_type(type)); }

// What a model takes or gives; -1 stands for the dimension that is named so.
inline std::string value_info(std::string_view name, DataType type, const Shape& shape, std::string_view open = "batch") {
  std::string dimensions;
  for (const int64_t size : shape)
    dimensions += field(1, size < 0 ? field(2, open) : field(1, static_cast<uint64_t>(size)));
  return field(1, name) + field(2, field(1, field(1, number_of(type)) + field(2, dimensions)));
}

inline std::string integer(std::string_view name, int64_t value) { return field(5, field(1, name) + field(3, static_cast<uint64_t>(value)) + field(20, 2)); }
inline std::string graph_attribute(std::string_view name, std::string_view graph) { return field(5, field(1, name) + field(6, graph) + field(20, 5)); }

inline std::string node(std::string_view op, std::initializer_list<std::string_view> inputs, std::initializer_list<std::string_view> outputs,
                        std::string_view attributes = {}, std::string_view domain = {}) {
  std::string bytes;
  for (const std::string_view name : inputs)
    bytes += field(1, name);
  for (const std::string_view name : outputs)
    bytes += field(2, name);
  bytes += field(4, op);
  bytes += attributes;
  if (!domain.empty()) bytes += field(7, domain);
  return field(1, bytes);
}

template <class T>
std::string bytes_of(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

inline std::string tensor_head(std::string_view name, DataType type, const Shape& shape) {
  std::string bytes;
  for (const int64_t size : shape)
    bytes += field(1, static_cast<uint64_t>(size));
  return bytes + field(2, number_of(type)) + field(8, name);
}
// A weight in the model itself.
inline std::string weight(std::string_view name, DataType type, const Shape& shape, std::string_view data) {
  return field(5, tensor_head(name, type, shape) + field(9, data));
}
// A weight in another file.
inline std::string weight_outside(std::string_view name, DataType type, const Shape& shape, std::string_view location, int64_t offset, int64_t length) {
  const auto entry = [](std::string_view key, std::string_view value) { return field(13, field(1, key) + field(2, value)); };
  return field(5, tensor_head(name, type, shape) + entry("location", location) + entry("offset", std::to_string(offset)) +
                      entry("length", std::to_string(length)) + field(14, 1));
}

inline std::string takes(std::string_view name, DataType type, const Shape& shape, std::string_view open = "batch") {
  return field(11, value_info(name, type, shape, open));
}
inline std::string gives(std::string_view name, DataType type, const Shape& shape, std::string_view open = "batch") {
  return field(12, value_info(name, type, shape, open));
}

// Of a graph's nodes, weights, inputs and outputs.
inline std::string graph(std::string_view parts) { return std::string(parts) + field(2, "g"); }
inline std::string model(std::string_view parts, uint64_t operators = 17) { return field(1, 8) + field(7, graph(parts)) + field(8, field(2, operators)); }

// A package as `ebb model add` makes it.
inline std::string package(std::string_view model, std::string_view manifest = R"({"task":"tensors"})", const std::map<std::string, std::string>& files = {}) {
  std::string bytes;
  const auto add = [&bytes](std::string_view name, std::string_view data) {
    bytes += wire::entry_header(name, data.size());
    bytes += data;
    bytes += wire::entry_padding(data.size());
  };
  add(wire::kManifestEntry, manifest);
  add(wire::kModelEntry, model);
  for (const auto& [name, data] : files)
    add(name, data);
  return bytes + wire::package_end();
}

inline Fd file_with(std::string_view bytes) {
  Fd file(::memfd_create("model", MFD_CLOEXEC));
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t count = ::write(file.get(), bytes.data() + done, bytes.size() - done);
    if (count <= 0) return {};
    done += static_cast<size_t>(count);
  }
  return file;
}

// Models that several tests use.

// y = x, of one type and any shape of two dimensions.
inline std::string identity(DataType type) { return model(node("Identity", {"x"}, {"y"}) + takes("x", type, {-1, 2}) + gives("y", type, {-1, 2})); }
// y = x · [[1, 2], [3, 4]], for any number of rows.
inline std::string matmul(std::string_view open = "batch", int64_t rows = -1) {
  return model(node("MatMul", {"x", "w"}, {"y"}) + weight("w", DataType::kFp32, {2, 2}, bytes_of(std::vector<float>{1, 2, 3, 4})) +
               takes("x", DataType::kFp32, {rows, 2}, open) + gives("y", DataType::kFp32, {rows, 2}, open));
}
// Counts to the given number, or for ever (it says, so that no optimiser knows).
inline std::string endless() {
  const std::string body =
      graph(node("Identity", {"go"}, {"goes"}) + node("Add", {"sum", "one"}, {"more"}) + takes("i", DataType::kInt64, {}) + takes("go", DataType::kBool, {}) +
            takes("sum", DataType::kFp32, {1}) + gives("goes", DataType::kBool, {}) + gives("more", DataType::kFp32, {1}));
  return model(node("Loop", {"count", "go_on", "x"}, {"y"}, graph_attribute("body", body)) +
               weight("one", DataType::kFp32, {1}, bytes_of(std::vector<float>{1})) + takes("x", DataType::kFp32, {1}) + takes("count", DataType::kInt64, {}) +
               takes("go_on", DataType::kBool, {}) + gives("y", DataType::kFp32, {1}));
}
// As many zeros as it is asked for.
inline std::string zeros() {
  return model(node("ConstantOfShape", {"shape"}, {"y"}) + takes("shape", DataType::kInt64, {1}) + gives("y", DataType::kFp32, {-1}, "n0"));
}

template <class T>
domain::Tensor tensor(std::string name, DataType type, Shape shape, const std::vector<T>& values) {
  return {.head = {.name = std::move(name), .type = type, .shape = std::move(shape)}, .data = bytes_of(values)};
}

}  // namespace ebb::engine_onnx::test
