// Picks the next token of one call. One for each running call.
#pragma once

#include <llama.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "domain/call.h"
#include "engine_llama/grammar.h"
#include "engine_llama/loaded_model.h"

struct common_sampler;

namespace ebb::engine_llama {

class Sampler {
 public:
  // `fallback_seed` is used when the call names none. Error kInvalid: the library does not take the grammar (param: what it was asked by), or a bias is
  // for a token that is not there (param "logit_bias").
  static Result<Sampler> make(const LoadedModel& model, const domain::Sampling& sampling, const Grammar& grammar, uint32_t fallback_seed);

  // From output `index` of the last batch. Error kInternal: the model computed what is no number, or no token.
  Result<Token> sample(llama_context* context, int index);

  // How likely the model itself held the token that was just sampled from this output, and `top` others.
  domain::TokenLogprob logprob(llama_context* context, int index, Token token, int top) const;

 private:
  Sampler(const LoadedModel& model, std::shared_ptr<common_sampler> sampler) : model_(&model), sampler_(std::move(sampler)) {}

  const LoadedModel* model_;
  std::shared_ptr<common_sampler> sampler_;  // shared only because the library's type is incomplete here
  // Nothing but these has a say beside the model: the likeliest token is taken.
  std::optional<std::vector<llama_logit_bias>> likeliest_by_;
};

// Where the first of the highest is. Nothing if one is no number, or infinite; one that is infinitely low is a number: it says "never". At least one. Pure.
std::optional<size_t> first_of_highest(std::span<const float> logits);
// The same with biases for some, each for another token, when it is known which it is without them. Pure.
size_t first_of_highest(std::span<const float> logits, size_t unbiased, std::span<const llama_logit_bias> biases);

// The library's 32 bits of any 64, avoiding the value that means "random" to it.
uint32_t seed_of(int64_t seed);

}  // namespace ebb::engine_llama
