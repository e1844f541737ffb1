// A model's table of embeddings, where its weights are those of the output, too.
//
// Such a table is in the model's file, from which the library takes a token's row, and once more in tiles (tiled_weights.h), in which the row is a column.
// While a TiledTables lives, rows are taken from the tiles, to the last bit the same: what is mapped of the file for the table is never touched, and need not
// be in memory. tiled_table.cc defines the library's function for that, `ggml_compute_forward_get_rows` (library_function.h).
#pragma once

#include <cstdint>
#include <vector>

struct ggml_tensor;

namespace ebb::engine_llama {

// Of one model: made by the thread that loads it, before it does; gone before the model is.
class TiledTables {
 public:
  TiledTables();
  TiledTables(const TiledTables&) = delete;
  TiledTables& operator=(const TiledTables&) = delete;
  ~TiledTables();
  // The load is over.
  void stop();

  // The library fills a tensor with what is at `stored`; it lies in tiles. Of the thread that loads.
  static void note(const ggml_tensor& tiles, const void* stored);
  // Which tensor has the same weights in tiles; nullptr: none. Any thread.
  static const ggml_tensor* twin_of(const ggml_tensor& table);

 private:
  struct Twin {
    const void* stored = nullptr;
    const ggml_tensor* tiles = nullptr;
  };
  std::vector<Twin> twins_;
};

// How many rows this process has taken from tiles.
uint64_t rows_from_tiles();

}  // namespace ebb::engine_llama
