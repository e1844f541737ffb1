// A replacement for one function of the library; its name is the library's.
#include "engine_llama/tiled_weights.h"

#include <dlfcn.h>
#include <ggml-backend.h>
#include <ggml.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "engine_llama/library_function.h"
#include "engine_llama/tiled_product_rows.h"
#include "engine_llama/tiled_table.h"

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

// Some bits of a number: in which byte, and above how many others.
struct Place {
  size_t byte = 0;
  unsigned shift = 0;
};

// Where the library stores what in a block of one column.
struct Stored {
  size_t numbers = 0;
  size_t upper = 0;   // bits of the numbers, in 6 bits
  size_t scales = 0;  // that have a scale themselves
  size_t scale = 0;
  size_t least = 0;

  explicit Stored(const TileFormat& format) {
    if (format.bits == 6) {
      upper = 128;
      scales = 192;
      scale = 208;
    } else {
      least = kHalf;
      scales = (format.has_least ? 2 : 1) * kHalf;
      numbers = scales + static_cast<size_t>(format.scale_bytes);
    }
  }

  // In 4 bits the second half of some numbers is above the first: of a block's 32, or of each 64 (Q4_K). In 6 bits four quarters of each 128 have their lower
  // bits in two such halves …
  Place lower_of(const TileFormat& format, int64_t row) const {
    if (format.bits == 8) return {.byte = numbers + static_cast<size_t>(row)};
    if (format.bits == 6) return {.byte = numbers + static_cast<size_t>(row / 128 * 64 + row / 32 % 2 * 32 + row % 32), .shift = row % 128 < 64 ? 0U : 4U};
    const int64_t half = format.rows == kBlockRows ? kBlockRows / 2 : kBlockRows;
    return {.byte = numbers + static_cast<size_t>(row / (2 * half) * half + row % half), .shift = row / half % 2 == 0 ? 0U : 4U};
  }
  // … and their upper ones above each other.
  Place upper_of(int64_t row) const {
    return {.byte = upper + static_cast<size_t>(row / 128 * 32 + row % 32), .shift = 2 * static_cast<unsigned>(row % 128 / 32)};
  }
};

// In a block of a tile, of its first column. `lines` is where they begin; a byte holds the same number of as many fours as fit into it.
Place place_in_tile(size_t lines, int64_t row, unsigned bits) {
  const int64_t of_byte = 8 / bits;
  const int64_t four = row / kFour;
  return {.byte = lines + static_cast<size_t>(four / of_byte) * kLine + static_cast<size_t>(row % kFour),
          .shift = static_cast<unsigned>(four % of_byte) * bits};
}

// What goes from one order to the other, for a block of one column.
class Moves {
 public:
  explicit Moves(const TileFormat& format) : format_(format) {
    const Stored stored(format);
    const unsigned lower = format.bits == 8 ? 8 : 4;
    for (int64_t row = 0; row < format.rows; ++row) {
      add(stored.lower_of(format, row), place_in_tile(0, row, lower), lower);
      if (format.bits == 6) add(stored.upper_of(row), place_in_tile(static_cast<size_t>(kTileColumns * format.rows) / 2, row, 2), 2);
    }
    size_t at = format.number_bytes();
    for (int i = 0; i < format.scale_bytes; ++i, at += kTileColumns)
      copies_.push_back({.stored = stored.scales + static_cast<size_t>(i), .tile = at, .bytes = 1});
    copies_.push_back({.stored = stored.scale, .tile = at, .bytes = kHalf});
    if (format.has_least) copies_.push_back({.stored = stored.least, .tile = at + kTileColumns * kHalf, .bytes = kHalf});
  }

  static const Moves& of(const TileFormat& format) {
    static const std::array all = {Moves(kTiledQ4_0), Moves(kTiledQ4_1), Moves(kTiledQ8_0), Moves(kTiledQ4_K), Moves(kTiledQ6_K)};
    const auto found = std::ranges::find(all, format, &Moves::format_);
    EBB_CHECK(found != all.end());
    return *found;
  }

  // What is written into is zero before.
  void to_tile(const uint8_t* stored, size_t column, uint8_t* tile) const {
    for (const Move& move : moves_)
      tile[move.in_tile + column * kFour] |= static_cast<uint8_t>(((stored[move.in_stored] >> move.stored_shift) & move.mask) << move.tile_shift);
    for (const Copy& copy : copies_)
      std::memcpy(tile + copy.tile + column * copy.bytes, stored + copy.stored, copy.bytes);
  }
  void to_stored(const uint8_t* tile, size_t column, uint8_t* stored) const {
    for (const Move& move : moves_)
      stored[move.in_stored] |= static_cast<uint8_t>(((tile[move.in_tile + column * kFour] >> move.tile_shift) & move.mask) << move.stored_shift);
    for (const Copy& copy : copies_)
      std::memcpy(stored + copy.stored, tile + copy.tile + column * copy.bytes, copy.bytes);
  }

 private:
  struct Move {
    uint16_t in_stored;
    uint16_t in_tile;
    uint8_t stored_shift;
    uint8_t tile_shift;
    uint8_t mask;
  };
  // Bytes of each column, which lie beside each other in a tile.
  struct Copy {
    size_t stored;
    size_t tile;
    size_t bytes;
  };

  void add(const Place& in_stored, const Place& in_tile, unsigned bits) {
    moves_.push_back({.in_stored = static_cast<uint16_t>(in_stored.byte),
                      .in_tile = static_cast<uint16_t>(in_tile.byte),
                      .stored_shift = static_cast<uint8_t>(in_stored.shift),
                      .tile_shift = static_cast<uint8_t>(in_tile.shift),
                      .mask = static_cast<uint8_t>((1U << bits) - 1)});
  }

  TileFormat format_;
  std::vector<Move> moves_;
  std::vector<Copy> copies_;
};

size_t stored_block_bytes(const TileFormat& format) { return format.block_bytes() / static_cast<size_t>(kTileColumns); }

}  // namespace

void lay_out_in_tiles(const TileFormat& format, const char* stored, int64_t rows, int64_t columns, char* tiles) {
  const Moves& moves = Moves::of(format);
  const int64_t blocks = rows / format.rows;
  std::memset(tiles, 0, static_cast<size_t>(columns / kTileColumns) * format.tile_bytes(rows));
  for (int64_t column = 0; column < columns; ++column) {
    for (int64_t i = 0; i < blocks; ++i) {
      const auto* const from = reinterpret_cast<const uint8_t*>(stored) + static_cast<size_t>(column * blocks + i) * stored_block_bytes(format);
      auto* const to = reinterpret_cast<uint8_t*>(tiles) + static_cast<size_t>(column / kTileColumns * blocks + i) * format.block_bytes();
      moves.to_tile(from, static_cast<size_t>(column % kTileColumns), to);
    }
  }
}

void take_column(const TileFormat& format, const char* tiles, int64_t rows, int64_t column, char* stored) {
  const Moves& moves = Moves::of(format);
  const int64_t blocks = rows / format.rows;
  std::memset(stored, 0, static_cast<size_t>(blocks) * stored_block_bytes(format));
  const auto* from = reinterpret_cast<const uint8_t*>(tiles) + static_cast<size_t>(column / kTileColumns) * format.tile_bytes(rows);
  auto* to = reinterpret_cast<uint8_t*>(stored);
  for (int64_t i = 0; i < blocks; ++i, from += format.block_bytes(), to += stored_block_bytes(format))
    moves.to_stored(from, static_cast<size_t>(column % kTileColumns), to);
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
  TiledTables::note(tensor, stored);
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
