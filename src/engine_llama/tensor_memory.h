// The memory of tensors: KV caches and compute buffers of the engine library.
//
// The library takes it through ggml_aligned_malloc, ggml_aligned_free and clears it through ggml_backend_buffer_clear. The program that links this
// module replaces the three: large buffers are mapped by themselves, start as zero pages and are given back whole, and clearing a
// fresh one touches nothing. So a context costs what it uses: making one for 4 × 2,048 tokens takes 3 ms instead of 80 ms, and
// memory follows the tokens that are really kept. Huge pages were tried and lost: every layer's cache begins on pages of its
// own, so a short prompt would clear 2 MiB for each of them.
#pragma once

#include <cstddef>

namespace ebb::engine_llama {

// What is mapped by now in large buffers (touched or not). Also what makes the linker keep the replacements.
size_t tensor_memory_bytes();

}  // namespace ebb::engine_llama
