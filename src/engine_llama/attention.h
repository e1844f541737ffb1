// The engine library's fused attention, computed by our own kernels.
//
// attention.cc defines the library's function for it (`ggml_compute_forward_flash_attn_ext`), which programs that link this module export, so that the
// library's back end calls ours: its own adds up in an order that depends on the batch, the length of the cache and the number of threads
// (docs/decisions/0008-answers-that-depend-on-nothing-else.md). Called by the library's threads, each with its number.
#pragma once

#include <cstdint>
#include <string_view>

#include "engine_llama/attention_rows.h"

namespace ebb::engine_llama {

// Counted up when a kernel adds up in another order than before: state that was saved is of one order.
inline constexpr int kAttentionOrder = 2;

struct AttentionKernel {
  std::string_view name;  // of the instructions
  Attend* attend = nullptr;
};

// The fastest that this processor can run.
AttentionKernel attention_kernel();

// How often the library has called it in this process, in all threads: 0 after a computation says that the library does not find our function.
uint64_t attention_calls();

}  // namespace ebb::engine_llama
