// Root-mean-square norms, two for each layer of most models.
//
// rms_norm.cc defines two functions of the library, `ggml_compute_forward_rms_norm` and `ggml_compute_forward_rms_norm_mul_fused` (library_function.h). The
// library's add up one square after the other, each waiting for the one before, while all threads wait for the one that has the token's row.
#pragma once

#include <cstdint>

namespace ebb::engine_llama {

// How many rows this process has computed so.
uint64_t normed_rows();

}  // namespace ebb::engine_llama
