// Writes small GGUF files, sound and lying, for tests.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/gguf_header.h"

namespace ebb::registry {

class GgufForTest {
 public:
  struct Tensor {
    std::string name;
    std::vector<uint64_t> dims;
    uint32_t type = 0;
    uint64_t offset = 0;
  };

  // A model that passes: two layers, four tokens, one F32 tensor of 8 × 4.
  static GgufForTest model() {
    GgufForTest file;
    file.text("general.architecture", "llama").text("general.name", "Tiny").u32("general.file_type", 0);
    file.u32("llama.block_count", 2).u32("llama.context_length", 128).u32("llama.embedding_length", 8);
    file.u32("llama.attention.head_count", 4).u32("llama.attention.head_count_kv", 2);
    file.texts("tokenizer.ggml.tokens", {"a", "b", "c", "d"}).floats("tokenizer.ggml.scores", 4);
    file.text("tokenizer.chat_template", "{{ messages }}");
    file.tensor({.name = "token_embd.weight", .dims = {8, 4}, .type = 0, .offset = 0});
    return file;
  }

  GgufForTest& text(std::string_view key, std::string_view value) { return key_of(key, GgufType::kString).put_text(value); }
  GgufForTest& u32(std::string_view key, uint32_t value) { return key_of(key, GgufType::kU32).put(value); }
  GgufForTest& u16(std::string_view key, uint16_t value) { return key_of(key, GgufType::kU16).put(value); }
  GgufForTest& i32(std::string_view key, int32_t value) { return key_of(key, GgufType::kI32).put(value); }
  GgufForTest& u8_as_bool(std::string_view key, uint8_t value) { return key_of(key, GgufType::kBool).put(value); }
  GgufForTest& texts(std::string_view key, const std::vector<std::string>& values) {
    array(key, GgufType::kString, values.size());
    for (const std::string& value : values)
      put_text(value);
    return *this;
  }
  GgufForTest& floats(std::string_view key, uint64_t count) {
    array(key, GgufType::kF32, count);
    for (uint64_t i = 0; i < count; ++i)
      put(0.5F);
    return *this;
  }
  GgufForTest& u32s(std::string_view key, const std::vector<uint32_t>& values) {
    array(key, GgufType::kU32, values.size());
    for (const uint32_t value : values)
      put(value);
    return *this;
  }
  // A key of any type number, without a value: put() what should follow.
  GgufForTest& key_of(std::string_view key, GgufType type) { return key_of(key, static_cast<uint32_t>(type)); }
  GgufForTest& key_of(std::string_view key, uint32_t type) {
    ++keys;
    return put_text(key).put(type);
  }
  GgufForTest& array(std::string_view key, GgufType type, uint64_t count) { return key_of(key, GgufType::kArray).put(static_cast<uint32_t>(type)).put(count); }
  GgufForTest& tensor(Tensor value) {
    tensors.push_back(std::move(value));
    return *this;
  }
  template <class T>
  GgufForTest& put(T value) {
    body.append(reinterpret_cast<const char*>(&value), sizeof(T));
    return *this;
  }
  GgufForTest& put_text(std::string_view value) {
    put(uint64_t{value.size()});
    body += value;
    return *this;
  }

  std::string bytes() const {
    GgufForTest out;
    out.body = magic;
    out.put(version).put(tensors_claimed.value_or(tensors.size())).put(keys_claimed.value_or(keys));
    out.body += body;
    for (const Tensor& tensor : tensors) {
      out.put_text(tensor.name).put(static_cast<uint32_t>(tensor.dims.size()));
      for (const uint64_t size : tensor.dims)
        out.put(size);
      out.put(tensor.type).put(tensor.offset);
    }
    if (data_bytes == 0) return out.body;
    out.body.resize((out.body.size() + alignment - 1) / alignment * alignment);
    for (uint64_t i = 0; i < data_bytes; ++i)
      out.body += static_cast<char>(i * 7 + seed);
    return out.body;
  }

  std::string magic = "GGUF";
  uint32_t version = 3;
  uint64_t keys = 0;
  std::optional<uint64_t> keys_claimed;
  std::optional<uint64_t> tensors_claimed;
  std::string body;  // the keys
  std::vector<Tensor> tensors;
  uint64_t alignment = 32;
  uint64_t data_bytes = 128;
  uint64_t seed = 0;  // makes another content
};

}  // namespace ebb::registry
