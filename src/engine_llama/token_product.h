// Products of one token's row with weights that the library has laid out for AMX.
//
// token_product.cc defines the library's function for products with such weights, `ggml_backend_amx_mul_mat` (library_function.h), and leaves to it what is not
// of one token. Its own reads four places of memory at a time, of which the processor has to find the next page each, and waits for all threads
// between quantising the row and multiplying; ours goes straight through memory, asks for what comes next, and each thread quantises the row
// for itself. The results are the same to the last bit.
#pragma once

#include <cstdint>
#include <optional>

#include "engine_llama/token_product_rows.h"

struct ggml_tensor;

namespace ebb::engine_llama {

// For products with these weights; nullopt: the library has not laid them out, or it is none of ours.
std::optional<ProductKernel> token_product_kernel(const ggml_tensor& weights);

// How many products this process has computed so, in all threads; 0 after an answer says that the library does not find our function.
uint64_t token_products();

}  // namespace ebb::engine_llama
