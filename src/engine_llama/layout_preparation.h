// What ebb-prepare-llama does: lays the weights of a model out anew for this processor and writes them to a file, if a worker may use them.
#pragma once

#include <cstdint>

#include "base/fd.h"
#include "base/result.h"

namespace ebb::engine_llama {

// Writes to the descriptor, an empty file, and returns its length. Where the library has no other layout for these weights, or where answers would depend
// on their neighbours, the file says so and has none (wire/weight_layout.h). After init_backend(). Errors: of LoadedModel::load, of the check, kIo, kExhausted.
Result<uint64_t> prepare_layout(Fd model, int to);

}  // namespace ebb::engine_llama
