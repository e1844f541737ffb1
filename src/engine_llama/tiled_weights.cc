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
constexpr size_t kHalf = 2;                     // bytes of a number in 16 bits
constexpr size_t kLine = kTileColumns * kFour;  // bytes that a vector takes at once, or two

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
  switch (type) {
    case GGML_TYPE_Q4_0: return &kTiledQ4_0;
    case GGML_TYPE_Q4_1: return &kTiledQ4_1;
    case GGML_TYPE_Q8_0: return &kTiledQ8_0;
    case GGML_TYPE_Q4_K: return &kTiledQ4_K;
    case GGML_TYPE_Q6_K: return &kTiledQ6_K;
    default: return nullptr;
  }
}

bool is_product(const ggml_tensor& operation) { return operation.op == GGML_OP_MUL_MAT || operation.op == GGML_OP_MUL_MAT_ID; }

bool lies_in_other_order(const ggml_tensor& weights) {
  return weights.buffer != nullptr && type_for_tiles() != nullptr && ggml_backend_buffer_get_type(weights.buffer) == type_for_tiles();
}

// How the library stores a block of one column.
struct Stored {
  const uint8_t* numbers;
  const uint8_t* upper;   // bits of the numbers, in 6 bits
  const uint8_t* scales;  // that have a scale themselves
  const uint8_t* scale;
  const uint8_t* least;
};

Stored stored_at(const TileFormat& format, const uint8_t* block) {
  // Q6_K: lower bits, upper bits, scales, their scale.
  if (format.bits == 6) return {.numbers = block, .upper = block + 128, .scales = block + 192, .scale = block + 208, .least = nullptr};
  const uint8_t* const scales = block + (format.has_least ? 2 : 1) * kHalf;
  return {.numbers = scales + format.scale_bytes, .upper = nullptr, .scales = scales, .scale = block, .least = block + kHalf};
}

// In 4 bits the second half of some numbers is above the first: of a block's 32, or of each 64 (Q4_K). In 6 bits four quarters of each 128 have their lower
// bits in two such halves, and their upper ones above each other.
uint8_t number(const TileFormat& format, const Stored& stored, int64_t row) {
  if (format.bits == 8) return stored.numbers[row];
  if (format.bits == 4) {
    const int64_t half = format.rows == kBlockRows ? kBlockRows / 2 : kBlockRows;
    const uint8_t both = stored.numbers[row / (2 * half) * half + row % half];
    return row / half % 2 == 0 ? both & 0xFU : both >> 4U;
  }
  const int64_t of_128 = row / 128;
  const int64_t quarter = row % 128 / 32;
  const uint8_t both = stored.numbers[of_128 * 64 + quarter % 2 * 32 + row % 32];
  const auto lower = static_cast<uint8_t>(quarter < 2 ? both & 0xFU : both >> 4U);
  const auto upper = static_cast<uint8_t>((stored.upper[of_128 * 32 + row % 32] >> (2 * quarter)) & 3U);
  return static_cast<uint8_t>(lower | (upper << 4U));
}

// Puts `bits` of a number into its place of a line whose bytes hold as many as fit.
void put(uint8_t* lines, int64_t four, size_t place, unsigned bits, uint8_t number) {
  const auto of_byte = static_cast<int64_t>(8 / bits);
  lines[static_cast<size_t>(four / of_byte) * kLine + place] |= static_cast<uint8_t>(number << (static_cast<unsigned>(four % of_byte) * bits));
}

void lay_out_column(const TileFormat& format, const Stored& stored, int64_t column, uint8_t* block) {
  const unsigned lower_bits = format.bits == 8 ? 8 : 4;
  uint8_t* const upper = block + static_cast<size_t>(kTileColumns * format.rows) * lower_bits / 8;
  for (int64_t row = 0; row < format.rows; ++row) {
    const auto place = static_cast<size_t>(column * kFour + row % kFour);
    const uint8_t whole = number(format, stored, row);
    put(block, row / kFour, place, lower_bits, format.bits == 8 ? whole : whole & 0xFU);
    if (format.bits == 6) put(upper, row / kFour, place, 2, whole >> 4U);
  }
  uint8_t* const scales = block + format.number_bytes();
  for (int i = 0; i < format.scale_bytes; ++i)
    scales[i * kTileColumns + column] = stored.scales[i];
  uint8_t* const halves = scales + format.scale_bytes * kTileColumns;
  std::memcpy(halves + static_cast<size_t>(column) * kHalf, stored.scale, kHalf);
  if (format.has_least) std::memcpy(halves + static_cast<size_t>(kTileColumns + column) * kHalf, stored.least, kHalf);
}

}  // namespace

void lay_out_in_tiles(const TileFormat& format, const char* stored, int64_t rows, int64_t columns, char* tiles) {
  const int64_t blocks = rows / format.rows;
  const size_t stored_bytes = format.block_bytes() / static_cast<size_t>(kTileColumns);
  std::memset(tiles, 0, static_cast<size_t>(columns / kTileColumns) * format.tile_bytes(rows));
  for (int64_t column = 0; column < columns; ++column) {
    for (int64_t i = 0; i < blocks; ++i) {
      const auto* const from = reinterpret_cast<const uint8_t*>(stored) + static_cast<size_t>(column * blocks + i) * stored_bytes;
      auto* const to = reinterpret_cast<uint8_t*>(tiles) + static_cast<size_t>(column / kTileColumns * blocks + i) * format.block_bytes();
      lay_out_column(format, stored_at(format, from), column % kTileColumns, to);
    }
  }
}

const TileFormat* tiles_of(const ggml_tensor& tensor) {
  const TileFormat* const format = format_for(tensor.type);
  if (format == nullptr || !lies_in_other_order(tensor)) return nullptr;
  const bool fits = tensor.ne[0] % format->rows == 0 && tensor.ne[1] % kTileColumns == 0 && tensor.ne[2] == 1 && tensor.ne[3] == 1;
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
  using namespace ebb::engine_llama;
  if (!is_product(*operation) || !lies_in_other_order(*operation->src[0])) return of_library(device, operation);
  return operation->op == GGML_OP_MUL_MAT && tiles_of(*operation->src[0]) != nullptr && operation->src[1]->type == GGML_TYPE_F32;
}
}
