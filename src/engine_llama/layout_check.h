// Whether a model that is computed in another layout keeps what Ebb promises: an answer depends on nothing but its prompt and its seed
// (docs/decisions/0008-answers-that-depend-on-nothing-else.md). Some of the library's kernels take several tokens at once and round differently then.
// By one thread: several share the outputs among them, and would wait for each other on processors that are busy with calls.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine_llama/loaded_model.h"

namespace ebb::engine_llama {

// One way to compute the same tokens of one sequence.
struct Trial {
  int before = 0;  // tokens of other sequences before them in each batch …
  int behind = 0;  // … and behind them
};

// What a worker may do, the plainest first.
std::span<const Trial> trials();

// The results of all tokens, one behind the other.
using Attempt = std::function<Result<std::vector<float>>(const Trial&)>;

// Empty: all trials gave the same to the last bit. Else what differed, in words. Errors: those of `attempt`.
Result<std::string> difference(std::span<const Trial> all, const Attempt& attempt);

// The same for this model, which generates text. It takes a few hundred tokens of computing.
Result<std::string> difference(const LoadedModel& model);

// Whether tokens of this model have the same results one by one and several at once, to the last bit, so that an answer's may be guessed (guess.h). It takes
// some fifty tokens of computing. Errors: kInternal, kExhausted.
Result<bool> tokens_alike(const LoadedModel& model);

}  // namespace ebb::engine_llama
