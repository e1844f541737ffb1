// A replacement for one function of the library; its name is the library's.
#include "engine_llama/tiled_weights.h"

#include <dlfcn.h>
#include <ggml-backend.h>
#include <ggml.h>

#include <array>
#include <cstring>

#include "base/check.h"
#include "engine_llama/library_function.h"
#include "engine_llama/tiled_product_rows.h"

namespace ebb::engine_llama {

namespace {

constexpr int64_t kFour = 4;
constexpr size_t kHalf = 2;  // bytes of a number in 16 bits
constexpr size_t kLine = kTileColumns * kFour;

// Of the library, for weights in another order; nullptr: this processor, or this build of the library, takes none in tiles.
ggml_backend_buffer_type_t type_for_tiles() {
  static ggml_backend_buffer_type_t const type = [] {
    using Find = ggml_backend_buffer_type_t (*)();
    auto* const of_matrices = reinterpret_cast<Find>(find_library_function("_Z28ggml_backend_amx_buffer_typev"));
    auto* const of_orders = reinterpret_cast<Find>(find_library_function("_Z35ggml_backend_cpu_repack_buffer_typev"));
    const bool taken = tiled_kernels() == nullptr || of_orders == nullptr || (of_matrices != nullptr && of_matrices() != nullptr);
    return taken ? nullptr : of_orders();
  }();
  return type;
}

const TileFormat* format_for(ggml_type type) {
  if (type == GGML_TYPE_Q4_0) return &kTiledQ4_0;
  if (type == GGML_TYPE_Q4_1) return &kTiledQ4_1;
  if (type == GGML_TYPE_Q8_0) return &kTiledQ8_0;
  return nullptr;
}

// The operation is a product that we compute if its weights are in tiles.
bool takes_tiles(const ggml_tensor& operation) {
  return operation.op == GGML_OP_MUL_MAT && tiles_of(*operation.src[0]) != nullptr && operation.src[1]->type == GGML_TYPE_F32;
}

// How the library stores a block: its scale, its least value, its numbers.
struct Stored {
  const char* scale;
  const char* least;
  const uint8_t* numbers;
  bool four_bits;

  // In 4 bits the second half of the numbers is above the first.
  uint8_t number(int64_t row) const {
    if (!four_bits) return numbers[row];
    return row < kBlockRows / 2 ? numbers[row] & 0xFU : numbers[row - kBlockRows / 2] >> 4U;
  }
};

Stored stored_at(const TileFormat& format, const char* block) {
  return {.scale = block,
          .least = block + kHalf,
          .numbers = reinterpret_cast<const uint8_t*>(block + (format.has_least ? 2 : 1) * kHalf),
          .four_bits = format.bits == 4};
}

void lay_out_column(const TileFormat& format, const Stored& stored, int64_t column, char* block) {
  for (int64_t row = 0; row < kBlockRows; ++row) {
    const int64_t four = row / kFour;
    char* const line = block + static_cast<size_t>(stored.four_bits ? four / 2 : four) * kLine;
    auto* const to = reinterpret_cast<uint8_t*>(line + column * kFour + row % kFour);
    const bool above = stored.four_bits && four % 2 == 1;
    *to = above ? static_cast<uint8_t>(*to | (stored.number(row) << 4U)) : stored.number(row);
  }
  char* const scales = block + format.number_bytes();
  std::memcpy(scales + static_cast<size_t>(column) * kHalf, stored.scale, kHalf);
  if (format.has_least) std::memcpy(scales + static_cast<size_t>(kTileColumns + column) * kHalf, stored.least, kHalf);
}

}  // namespace

void lay_out_in_tiles(const TileFormat& format, const char* stored, int64_t rows, int64_t columns, char* tiles) {
  const int64_t blocks = rows / kBlockRows;
  const size_t stored_bytes = format.block_bytes() / static_cast<size_t>(kTileColumns);
  for (int64_t column = 0; column < columns; ++column) {
    for (int64_t i = 0; i < blocks; ++i) {
      const Stored block = stored_at(format, stored + static_cast<size_t>(column * blocks + i) * stored_bytes);
      lay_out_column(format, block, column % kTileColumns, tiles + static_cast<size_t>(column / kTileColumns * blocks + i) * format.block_bytes());
    }
  }
}

const TileFormat* tiles_of(const ggml_tensor& tensor) {
  const TileFormat* const format = format_for(tensor.type);
  if (format == nullptr || tensor.buffer == nullptr || type_for_tiles() == nullptr || ggml_backend_buffer_get_type(tensor.buffer) != type_for_tiles())
    return nullptr;
  const bool fits = tensor.ne[0] % kBlockRows == 0 && tensor.ne[1] % kTileColumns == 0 && tensor.ne[2] == 1 && tensor.ne[3] == 1;
  return fits ? format : nullptr;
}

bool fill_tiles(const ggml_tensor& tensor, const void* stored, size_t offset, size_t bytes) {
  const TileFormat* const format = tiles_of(tensor);
  if (format == nullptr) return false;
  EBB_CHECK(offset == 0 && bytes == ggml_nbytes(&tensor));  // a loader reads whole tensors
  lay_out_in_tiles(*format, static_cast<const char*>(stored), tensor.ne[0], tensor.ne[1], static_cast<char*>(tensor.data));
  return true;
}

}  // namespace ebb::engine_llama

extern "C" {
__attribute__((visibility("default"))) bool ggml_backend_dev_supports_op(ggml_backend_dev_t device, const struct ggml_tensor* operation) {
  static auto* const of_library = reinterpret_cast<bool (*)(ggml_backend_dev_t, const struct ggml_tensor*)>(::dlsym(RTLD_NEXT, "ggml_backend_dev_supports_op"));
  return ebb::engine_llama::takes_tiles(*operation) || of_library(device, operation);
}
}
