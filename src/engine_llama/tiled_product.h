// Products with weights in tiles (tiled_weights.h), of one token and of many.
//
// tiled_product.cc defines the library's functions by which weights in another order are multiplied, `ggml_cpu_extra_compute_forward` and
// `ggml_cpu_extra_work_size` (library_function.h), and leaves to them what is not in tiles. Of one row each thread quantises all; of several each
// quantises some, and all meet before they multiply.
#pragma once

#include <cstdint>

namespace ebb::engine_llama {

// How many products this process has computed so; 0 after an answer from weights in tiles says that the library does not find our function.
uint64_t tiled_products();

}  // namespace ebb::engine_llama
