// Which token comes next, by the model's logits alone: the likeliest, or one drawn by its chance. Pure.
//
// Drawing is the same as the library's chain of samplers `top_k`, `temp`, `top_p`, `min_p`, `dist`, in that order, which looks at each token of the vocabulary
// one by one: a sixth of the time that a small model needs for a token.
#pragma once

#include <cstddef>
#include <optional>
#include <span>

#include "domain/call.h"

namespace ebb::engine_llama {

// Where the first of the highest is. Nothing if one is no number, or infinite; one that is infinitely low is a number: it says "never". At least one.
std::optional<size_t> first_of_highest(std::span<const float> logits);

// By the temperature (above zero as a float), `top_k`, `top_p` and `min_p` of a call. `highest`: what first_of_highest said; `uniform`: from 0 to below 1.
size_t draw(std::span<const float> logits, size_t highest, const domain::Sampling& by, double uniform);

}  // namespace ebb::engine_llama
