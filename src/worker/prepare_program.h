// The frame of the programs that make of a model, once, what workers on this machine start from. Each reads a stranger's file, so each is confined as a worker
// is while it loads, but for the one file that it writes.
//
//   ebb-prepare-X         descriptor 3: the model, read-only; descriptor 4: an empty file to write to. Prints one line of JSON:
//                         {"bytes": N} and ends with 0, or {"error": "…"} and ends with 1
//   ebb-prepare-X --key   prints what the result depends on besides the model; look for what was prepared under it
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/result.h"

namespace ebb::worker {

inline constexpr int kModelToPrepare = 3;
inline constexpr int kPreparedFile = 4;

struct PrepareProgram {
  std::function<std::string()> key;
  // Returns the length of what was written.
  std::function<Result<uint64_t>()> prepare;
};

// What main() returns.
int run_prepare_program(int count, char** arguments, const PrepareProgram& program);

// Gives the rights up, but for writing so much to the open file, bounds the time of the processor, and is the first to go when memory is short. Once, before
// the model is read.
Status confine_preparation(uint64_t written_bytes_max);

}  // namespace ebb::worker
