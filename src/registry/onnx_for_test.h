// Writes small ONNX models, sound and lying, for tests.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ebb::registry {

// A message of the protobuf encoding, field by field; nothing is checked.
class ProtoForTest {
 public:
  ProtoForTest& number(uint32_t field, uint64_t value) {
    put(uint64_t{field} << 3U);
    return put(value);
  }
  ProtoForTest& text(uint32_t field, std::string_view bytes) { return claimed(field, bytes.size(), bytes); }
  ProtoForTest& message(uint32_t field, const ProtoForTest& inner) { return text(field, inner.bytes()); }
  // A length that may lie.
  ProtoForTest& claimed(uint32_t field, uint64_t length, std::string_view bytes) {
    put((uint64_t{field} << 3U) | 2);
    put(length);
    return raw(bytes);
  }
  ProtoForTest& raw(std::string_view bytes) {
    bytes_ += bytes;
    return *this;
  }
  ProtoForTest& put(uint64_t value) {
    for (; value >= 0x80; value >>= 7U)
      bytes_ += static_cast<char>(value | 0x80U);
    bytes_ += static_cast<char>(value);
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

namespace onnx_for_test {

using Names = std::vector<std::string>;
constexpr uint64_t kFloat = 1;
constexpr uint64_t kInt64 = 7;

inline ProtoForTest entry(std::string_view key, std::string_view value) { return ProtoForTest().text(1, key).text(2, value); }

inline ProtoForTest tensor_head(std::string_view name, const std::vector<uint64_t>& dims, uint64_t type = kFloat) {
  ProtoForTest tensor;
  for (const uint64_t dim : dims)
    tensor.number(1, dim);
  return tensor.number(2, type).text(8, name);
}
inline ProtoForTest tensor(std::string_view name, const std::vector<uint64_t>& dims, std::string_view raw, uint64_t type = kFloat) {
  return tensor_head(name, dims, type).text(9, raw);
}
inline ProtoForTest external(std::string_view name, const std::vector<uint64_t>& dims, const std::vector<std::pair<std::string, std::string>>& entries) {
  ProtoForTest tensor = tensor_head(name, dims);
  for (const auto& [key, value] : entries)
    tensor.message(13, entry(key, value));
  return tensor.number(14, 1);
}

// A dimension of -1 is a word.
inline ProtoForTest value(std::string_view name, const std::vector<int64_t>& shape, uint64_t type = kFloat) {
  ProtoForTest dimensions;
  for (const int64_t size : shape)
    dimensions.message(1, size < 0 ? ProtoForTest().text(2, "n") : ProtoForTest().number(1, static_cast<uint64_t>(size)));
  const ProtoForTest tensor_type = ProtoForTest().number(1, type).message(2, dimensions);
  return ProtoForTest().text(1, name).message(2, ProtoForTest().message(1, tensor_type));
}

inline ProtoForTest node(std::string_view op, const Names& inputs, const Names& outputs, std::string_view domain = "") {
  ProtoForTest node;
  for (const std::string& name : inputs)
    node.text(1, name);
  for (const std::string& name : outputs)
    node.text(2, name);
  node.text(4, op);
  if (!domain.empty()) node.text(7, domain);
  return node;
}

inline ProtoForTest opset(std::string_view domain, uint64_t version) { return ProtoForTest().text(1, domain).number(2, version); }

inline ProtoForTest model_of(const ProtoForTest& graph, uint64_t ir_version = 8, uint64_t version = 17) {
  return ProtoForTest().number(1, ir_version).text(2, "PyTorch").message(7, graph).message(8, opset("", version));
}

// y = x · w + b, with w and b of four floats; parts can be added.
inline ProtoForTest graph() {
  return ProtoForTest()
      .message(1, node("MatMul", {"x", "w"}, {"xw"}))
      .message(1, node("Add", {"xw", "b"}, {"y"}))
      .text(2, "tiny")
      .message(5, tensor("w", {2, 2}, std::string(16, '\1')))
      .message(5, tensor("b", {2}, std::string(8, '\2')))
      .message(11, value("x", {-1, 2}))
      .message(12, value("y", {-1, 2}));
}

inline std::string model() { return model_of(graph()).bytes(); }

// The same with its weights outside, in `file` of 24 bytes.
inline std::string model_outside(const std::string& file = "model.onnx.data") {
  return model_of(ProtoForTest()
                      .message(1, node("MatMul", {"x", "w"}, {"xw"}))
                      .message(1, node("Add", {"xw", "b"}, {"y"}))
                      .text(2, "tiny")
                      .message(5, external("w", {2, 2}, {{"location", file}, {"offset", "0"}, {"length", "16"}}))
                      .message(5, external("b", {2}, {{"location", file}, {"offset", "16"}}))
                      .message(11, value("x", {-1, 2}))
                      .message(12, value("y", {-1, 2})))
      .bytes();
}

}  // namespace onnx_for_test

}  // namespace ebb::registry
