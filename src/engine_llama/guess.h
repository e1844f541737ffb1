// What an answer goes on with, guessed from what was there before, and whether guessing pays. Pure.
//
// Text repeats itself: names, quotes, code that is changed in one place. Where the last tokens were there before, those that followed then are computed
// together with the next one, in about the time that it takes alone, and those that the model would have chosen itself are kept (prompt lookup: Saxena, 2023;
// speculative decoding: Leviathan et al., "Fast Inference from Transformers via Speculative Decoding", 2023). The answer is the same to the last bit
// where a token's results are (LoadedModel::tokens_alike).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine_llama/schedule.h"

namespace ebb::engine_llama {

// At most so many at once: with the next token they are as many rows as a product takes at once.
inline constexpr size_t kGuessesMax = 7;
// So many tokens have to have been there before.
inline constexpr size_t kGuessedBy = 3;

// The `most` tokens that followed when the last kGuessedBy of `known` were there before, the latest time. Empty: they were not.
std::vector<Token> guess(std::span<const Token> known, size_t most);

// How many to guess for one call: more when guesses were right, none for some tokens when they were all wrong.
class GuessPace {
 public:
  // For the next token; counts it.
  size_t next();
  // What came of `guessed` ones, at least one: so many were right, from the first on.
  void came(size_t guessed, size_t right);

 private:
  size_t most_ = 2;
  size_t pause_ = 0;       // tokens until guessing is tried again …
  size_t next_pause_ = 1;  // … and after the next failure
};

}  // namespace ebb::engine_llama
