// The demo model with another header: for models that are too large to be here.
#pragma once

#include <gguf.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace ebb::engine_llama {

inline void write_altered_model(const std::string& path, const std::function<void(gguf_context*)>& alter) {
  gguf_context* const file = gguf_init_from_file(EBB_DEMO_MODEL, {.no_alloc = true, .ctx = nullptr});
  ASSERT_NE(file, nullptr);
  const size_t data = gguf_get_data_offset(file);
  alter(file);
  std::FILE* const out = std::fopen(path.c_str(), "wb");
  ASSERT_NE(out, nullptr);
  EXPECT_TRUE(gguf_write_to_file_ptr(file, out, true));
  gguf_free(file);
  std::ifstream from(EBB_DEMO_MODEL, std::ios::binary);
  from.seekg(static_cast<std::streamoff>(data));
  std::vector<char> buffer(1U << 20U);
  while (from.read(buffer.data(), static_cast<std::streamsize>(buffer.size())) || from.gcount() > 0)
    std::fwrite(buffer.data(), 1, static_cast<size_t>(from.gcount()), out);
  std::fclose(out);
}

}  // namespace ebb::engine_llama
