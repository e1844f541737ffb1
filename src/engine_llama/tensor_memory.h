// The memory of tensors: KV caches and compute buffers of the engine library.
//
// The library takes it through ggml_aligned_malloc and ggml_aligned_free, clears it through ggml_backend_buffer_clear and says what it is for through
// ggml_backend_buffer_set_usage. The program that links this module replaces the four: large buffers are mapped by themselves, start as zero pages and are
// given back whole, and clearing a fresh one touches nothing. So a context costs what it uses: making one for 4 × 2,048 tokens takes 3 ms instead of 80 ms, and
// memory follows the tokens that are really kept. Huge pages were tried and lost: every layer's cache begins on pages of its
// own, so a short prompt would clear 2 MiB for each of them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ebb::engine_llama {

// What of the large buffers is in memory, of those that hold tensors. Also what makes the linker keep the replacements.
size_t tensor_memory_bytes();

// Tells buffers that are mapped from now on from those before.
uint64_t tensor_memory_mark();
// Gives the pages of all buffers for tensors since then back: the kernel takes them when it needs memory (MADV_FREE), and until then they cost no
// page fault when they are written again. They stay mapped; what they hold is undefined, as what a sequence left behind is anyway.
void give_back_tensor_memory(uint64_t since);

// While on, what the library takes comes from the heap and begins where a huge page could: weights in another layout, whose memory some of the library's back
// ends give back by free(). Of the thread that loads a model.
void take_from_heap(bool on);

// Where a huge page could begin.
inline constexpr size_t kHugePageBytes = size_t{2} << 20U;

}  // namespace ebb::engine_llama
