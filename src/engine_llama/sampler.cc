// By the logits alone where that is all; else the library's chain of penalties, temperature and top_p, as the dialects mean them, with a grammar beside it.
#include "engine_llama/sampler.h"

#include <fmt/format.h>
#include <llama.h>
#include <sampling.h>

#include <algorithm>
#include <cmath>
#include <exception>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"
#include "engine_llama/choice.h"

namespace ebb::engine_llama {

uint32_t seed_of(int64_t seed) {
  const auto bits = static_cast<uint64_t>(seed);
  const auto folded = static_cast<uint32_t>(bits ^ (bits >> 32U));
  return folded == LLAMA_DEFAULT_SEED ? folded - 1 : folded;
}

namespace {

// Penalties look at all that was generated, within reason.
constexpr int kPenaltyTokens = 4096;

// Colder than this is none: what is divided by less may be no number.
constexpr double kColdest = 1e-30;

double temperature_of(const domain::Sampling& sampling) { return sampling.temperature < kColdest ? 0 : sampling.temperature; }

bool penalises(const domain::Sampling& sampling) { return sampling.presence_penalty != 0 || sampling.frequency_penalty != 0 || sampling.repeat_penalty != 1; }

common_params_sampling params_of(const domain::Sampling& sampling, uint32_t fallback_seed) {
  common_params_sampling params;
  params.seed = sampling.seed ? seed_of(*sampling.seed) : seed_of(fallback_seed);
  params.temp = static_cast<float>(temperature_of(sampling));
  params.top_p = static_cast<float>(sampling.top_p);
  params.top_k = sampling.top_k;
  params.min_p = static_cast<float>(sampling.min_p);
  params.penalty_repeat = static_cast<float>(sampling.repeat_penalty);
  params.no_perf = true;
  params.min_keep = 1;
  params.penalty_last_n = kPenaltyTokens;
  params.penalty_present = static_cast<float>(sampling.presence_penalty);
  params.penalty_freq = static_cast<float>(sampling.frequency_penalty);
  params.samplers.clear();
  if (penalises(sampling)) params.samplers.push_back(COMMON_SAMPLER_TYPE_PENALTIES);
  if (params.temp > 0 && sampling.top_k > 0) params.samplers.push_back(COMMON_SAMPLER_TYPE_TOP_K);
  params.samplers.push_back(COMMON_SAMPLER_TYPE_TEMPERATURE);
  if (params.temp > 0 && sampling.top_p < 1) params.samplers.push_back(COMMON_SAMPLER_TYPE_TOP_P);
  if (params.temp > 0 && sampling.min_p > 0) params.samplers.push_back(COMMON_SAMPLER_TYPE_MIN_P);
  for (const auto& [token, bias] : sampling.logit_bias)
    params.logit_bias.push_back({.token = token, .bias = static_cast<float>(bias)});
  return params;
}

common_grammar_trigger_type type_of(Grammar::Trigger::Kind kind) {
  switch (kind) {
    case Grammar::Trigger::Kind::kToken: return COMMON_GRAMMAR_TRIGGER_TYPE_TOKEN;
    case Grammar::Trigger::Kind::kWord: return COMMON_GRAMMAR_TRIGGER_TYPE_WORD;
    case Grammar::Trigger::Kind::kPattern: return COMMON_GRAMMAR_TRIGGER_TYPE_PATTERN;
    case Grammar::Trigger::Kind::kPatternFull: return COMMON_GRAMMAR_TRIGGER_TYPE_PATTERN_FULL;
  }
  EBB_CHECK(false);
}

void add_grammar(const Grammar& grammar, common_params_sampling& params) {
  if (grammar.text.empty()) return;
  params.grammar = common_grammar(COMMON_GRAMMAR_TYPE_OUTPUT_FORMAT, grammar.text);
  params.grammar_lazy = grammar.lazy;
  params.generation_prompt = grammar.generation_prompt;
  params.preserved_tokens = grammar.preserved;
  for (const Grammar::Trigger& trigger : grammar.triggers)
    params.grammar_triggers.push_back({.type = type_of(trigger.kind), .value = trigger.value, .token = trigger.token});
}

}  // namespace

Result<Sampler> Sampler::make(const LoadedModel& model, const domain::Sampling& sampling, const Grammar& grammar, uint32_t fallback_seed) {
  for (const auto& [token, bias] : sampling.logit_bias) {
    if (!model.is_token(token))
      return fail(ErrorKind::kInvalid, fmt::format("'logit_bias' is for token {}, but the model has {} tokens", token, model.vocabulary_size()), "logit_bias");
  }
  if (grammar.text.empty() && !penalises(sampling)) return Sampler(model, Alone(sampling, fallback_seed));
  common_params_sampling params = params_of(sampling, fallback_seed);
  add_grammar(grammar, params);
  try {
    std::shared_ptr<common_sampler> chain(common_sampler_init(model.get(), params), common_sampler_free);
    if (chain != nullptr) return Sampler(model, std::move(chain));
  } catch (const std::exception& error) {
    if (grammar.text.empty()) throw;
  }
  return fail(ErrorKind::kInvalid, "The schema asks for what no grammar can hold the model to", grammar.param);
}

Sampler::Alone::Alone(const domain::Sampling& sampling, uint32_t fallback_seed)
    : by_(sampling), random_(sampling.seed ? seed_of(*sampling.seed) : seed_of(fallback_seed)) {}

std::optional<Token> Sampler::Alone::choose(std::span<float> logits) {
  std::vector<float> unbiased;
  for (const auto& [token, bias] : by_.logit_bias)
    unbiased.push_back(std::exchange(logits[static_cast<size_t>(token)], logits[static_cast<size_t>(token)] + static_cast<float>(bias)));
  std::optional<size_t> chosen = first_of_highest(logits);
  if (chosen && temperature_of(by_) > 0) chosen = draw(logits, *chosen, by_, static_cast<double>(random_()) / 0x1p32);
  for (size_t i = 0; const auto& [token, bias] : by_.logit_bias)
    logits[static_cast<size_t>(token)] = unbiased[i++];
  return chosen ? std::optional(static_cast<Token>(*chosen)) : std::nullopt;
}

Result<Token> Sampler::sample(llama_context* context, int index) {
  // A hostile model may compute anything; samplers rely on numbers.
  const auto no_numbers = [] { return fail(ErrorKind::kInternal, "the model computed values that are no numbers: the file or its quantisation is broken"); };
  float* const logits = llama_get_logits_ith(context, index);
  if (logits == nullptr) return no_numbers();
  const std::span<float> all(logits, static_cast<size_t>(model_->vocabulary_size()));
  if (auto* const alone = std::get_if<Alone>(&by_)) {
    const std::optional<Token> token = alone->choose(all);
    return token ? Result<Token>(*token) : no_numbers();
  }
  if (!first_of_highest(all)) return no_numbers();
  try {
    common_sampler* const chain = std::get<Chain>(by_).get();
    const Token token = common_sampler_sample(chain, context, index);
    if (!model_->is_token(token)) return fail(ErrorKind::kInternal, "the model chose a token that it does not have");
    common_sampler_accept(chain, token, true);
    return token;
  } catch (const std::exception& error) {
    return fail(ErrorKind::kInternal, fmt::format("the answer broke its grammar: {}", replace_invalid_utf8(error.what())));
  }
}

domain::TokenLogprob Sampler::logprob(llama_context* context, int index, Token token, int top) const {
  const float* const logits = llama_get_logits_ith(context, index);
  const auto size = static_cast<size_t>(model_->vocabulary_size());
  const float highest = *std::max_element(logits, logits + size);
  double sum = 0;
  for (size_t i = 0; i < size; ++i)
    sum += std::exp(static_cast<double>(logits[i] - highest));
  const double shift = static_cast<double>(highest) + std::log(sum);
  const auto candidate = [&](Token one) {
    const double value = static_cast<double>(logits[one]) - shift;
    return domain::TokenLogprob::Candidate{.bytes = model_->text_of(one, true),
                                           .logprob = std::isnan(value) ? domain::kLogprobMin : std::clamp(value, domain::kLogprobMin, 0.0)};
  };
  domain::TokenLogprob out{.chosen = candidate(token), .top = {}};
  std::vector<Token> order(size);
  std::iota(order.begin(), order.end(), 0);
  const auto count = static_cast<ptrdiff_t>(std::min(size, static_cast<size_t>(std::max(top, 0))));
  std::partial_sort(order.begin(), order.begin() + count, order.end(), [logits](Token a, Token b) { return logits[a] > logits[b]; });
  for (ptrdiff_t i = 0; i < count; ++i)
    out.top.push_back(candidate(order[static_cast<size_t>(i)]));
  return out;
}

}  // namespace ebb::engine_llama
