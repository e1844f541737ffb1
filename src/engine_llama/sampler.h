// Picks the next token of one call. One for each running call.
#pragma once

#include <llama.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <utility>
#include <variant>

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
  // Nothing but the call's numbers has a say beside the model.
  class Alone {
   public:
    Alone(const domain::Sampling& sampling, uint32_t fallback_seed);
    // Leaves them as they were. Nothing: one is no number.
    std::optional<Token> choose(std::span<float> logits);

   private:
    domain::Sampling by_;
    std::mt19937 random_;
  };
  // The library's; shared only because its type is incomplete here.
  using Chain = std::shared_ptr<common_sampler>;

  Sampler(const LoadedModel& model, std::variant<Alone, Chain> by) : model_(&model), by_(std::move(by)) {}

  const LoadedModel* model_;
  std::variant<Alone, Chain> by_;
};

// The library's 32 bits of any 64, avoiding the value that means "random" to it.
uint32_t seed_of(int64_t seed);

}  // namespace ebb::engine_llama
