// A replacement for one function of the library; its name is the library's.
#include "engine_llama/tiled_table.h"

#include <ggml.h>

#include <algorithm>
#include <atomic>
#include <mutex>

#include "engine_llama/library_function.h"
#include "engine_llama/tensor_row.h"
#include "engine_llama/tiled_weights.h"

namespace ebb::engine_llama {

namespace {

std::atomic<uint64_t> rows = 0;
thread_local TiledTables* loads = nullptr;

// Globals, since the library calls a plain function.
std::mutex of_all;
std::vector<const TiledTables*> all;

// Row by row, as the numbers of rows say; each thread every so many.
void take_rows(const ggml_compute_params& params, const ggml_tensor& tiles, const ggml_tensor& numbers, const ggml_tensor& result) {
  static thread_local std::vector<char> stored;
  const TileFormat& format = *tiles_of(tiles);
  stored.resize(ggml_row_size(tiles.type, tiles.ne[0]));
  const ggml_to_float_t to_floats = ggml_get_type_traits(tiles.type)->to_float;
  uint64_t taken = 0;
  for (int64_t i = params.ith; i < ggml_nelements(&numbers); i += params.nth) {
    const int32_t row = row_of<const int32_t>(numbers, i / numbers.ne[0])[i % numbers.ne[0]];
    EBB_CHECK(row >= 0 && row < tiles.ne[1]);
    take_column(format, static_cast<const char*>(tiles.data), tiles.ne[0], row, stored.data());
    to_floats(stored.data(), row_of<float>(result, i), tiles.ne[0]);
    ++taken;
  }
  if (taken > 0) rows += taken;
}

}  // namespace

TiledTables::TiledTables() {
  EBB_CHECK(loads == nullptr);
  loads = this;
}

TiledTables::~TiledTables() {
  stop();
  const std::scoped_lock lock(of_all);
  std::erase(all, this);
}

void TiledTables::stop() {
  if (loads != this) return;
  loads = nullptr;
  const std::scoped_lock lock(of_all);
  all.push_back(this);
}

void TiledTables::note(const ggml_tensor& tiles, const void* stored) {
  if (loads != nullptr && tiles_of(tiles) != nullptr) loads->twins_.push_back({.stored = stored, .tiles = &tiles});
}

const ggml_tensor* TiledTables::twin_of(const ggml_tensor& table) {
  const std::scoped_lock lock(of_all);
  for (const TiledTables* const tables : all) {
    const auto found = std::ranges::find(tables->twins_, table.data, &Twin::stored);
    if (found != tables->twins_.end() && found->tiles->type == table.type && ggml_are_same_shape(found->tiles, &table)) return found->tiles;
  }
  return nullptr;
}

uint64_t rows_from_tiles() { return rows; }

}  // namespace ebb::engine_llama

extern "C" {
__attribute__((visibility("default"))) void ggml_compute_forward_get_rows(const ggml_compute_params* params, ggml_tensor* result) {
  using namespace ebb::engine_llama;
  static auto* const library = library_function<void(const ggml_compute_params*, ggml_tensor*)>("ggml_compute_forward_get_rows");
  const ggml_tensor& numbers = *result->src[1];
  const ggml_tensor* const tiles = TiledTables::twin_of(*result->src[0]);
  if (tiles == nullptr || numbers.type != GGML_TYPE_I32 || numbers.nb[0] != sizeof(int32_t) || result->type != GGML_TYPE_F32) return library(params, result);
  take_rows(*params, *tiles, numbers, *result);
}
}
