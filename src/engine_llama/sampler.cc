// A chain of temperature and top_p, as the dialects mean them: the temperature first.
#include "engine_llama/sampler.h"

#include <llama.h>
#include <sampling.h>

#include <algorithm>
#include <cmath>

#include "base/check.h"

namespace ebb::engine_llama {

uint32_t seed_of(int64_t seed) {
  const auto bits = static_cast<uint64_t>(seed);
  const auto folded = static_cast<uint32_t>(bits ^ (bits >> 32U));
  return folded == LLAMA_DEFAULT_SEED ? folded - 1 : folded;
}

Sampler::Sampler(const LoadedModel& model, const domain::Sampling& sampling, uint32_t fallback_seed) : model_(&model) {
  common_params_sampling params;
  params.seed = sampling.seed ? seed_of(*sampling.seed) : seed_of(fallback_seed);
  params.temp = static_cast<float>(sampling.temperature);
  params.top_p = static_cast<float>(sampling.top_p);
  params.top_k = 0;
  params.min_p = 0;
  params.no_perf = true;
  params.samplers = {COMMON_SAMPLER_TYPE_TEMPERATURE};
  if (sampling.temperature > 0 && sampling.top_p < 1) params.samplers.push_back(COMMON_SAMPLER_TYPE_TOP_P);
  params.min_keep = 1;
  sampler_.reset(common_sampler_init(model.get(), params), common_sampler_free);
  EBB_CHECK(sampler_ != nullptr);
}

Result<Token> Sampler::sample(llama_context* context, int index) {
  // A hostile model may compute anything; the library's samplers rely on numbers.
  const float* const logits = llama_get_logits_ith(context, index);
  const bool sound =
      logits != nullptr && std::all_of(logits, logits + model_->vocabulary_size(), [](float logit) { return !std::isnan(logit) && logit < INFINITY; });
  if (!sound) return fail(ErrorKind::kInternal, "the model computed values that are no numbers: the file or its quantisation is broken");
  const Token token = common_sampler_sample(sampler_.get(), context, index);
  if (!model_->is_token(token)) return fail(ErrorKind::kInternal, "the model chose a token that it does not have");
  common_sampler_accept(sampler_.get(), token, true);
  return token;
}

}  // namespace ebb::engine_llama
