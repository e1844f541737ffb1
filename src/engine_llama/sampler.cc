// A chain of penalties, temperature and top_p, as the dialects mean them; a grammar beside it.
#include "engine_llama/sampler.h"

#include <fmt/format.h>
#include <llama.h>
#include <sampling.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <exception>
#include <numeric>
#include <vector>

#include "base/check.h"
#include "base/utf8.h"

namespace ebb::engine_llama {

uint32_t seed_of(int64_t seed) {
  const auto bits = static_cast<uint64_t>(seed);
  const auto folded = static_cast<uint32_t>(bits ^ (bits >> 32U));
  return folded == LLAMA_DEFAULT_SEED ? folded - 1 : folded;
}

namespace {

// Penalties look at all that was generated, within reason.
constexpr int kPenaltyTokens = 4096;

bool penalises(const domain::Sampling& sampling) { return sampling.presence_penalty != 0 || sampling.frequency_penalty != 0 || sampling.repeat_penalty != 1; }

common_params_sampling params_of(const domain::Sampling& sampling, uint32_t fallback_seed) {
  common_params_sampling params;
  params.seed = sampling.seed ? seed_of(*sampling.seed) : seed_of(fallback_seed);
  params.temp = static_cast<float>(sampling.temperature);
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
  if (sampling.temperature > 0 && sampling.top_k > 0) params.samplers.push_back(COMMON_SAMPLER_TYPE_TOP_K);
  params.samplers.push_back(COMMON_SAMPLER_TYPE_TEMPERATURE);
  if (sampling.temperature > 0 && sampling.top_p < 1) params.samplers.push_back(COMMON_SAMPLER_TYPE_TOP_P);
  if (sampling.temperature > 0 && sampling.min_p > 0) params.samplers.push_back(COMMON_SAMPLER_TYPE_MIN_P);
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

// Some fifty thousand logits for each token: looked at in blocks, of which the compiler takes several at a time.
constexpr size_t kBlock = 64;

class Survey {
 public:
  // Whether the highest so far is here.
  bool raised_by(const float* block) {
    Lanes highest = lanes(block);
    for (size_t i = 0; i < kBlock; i += kLanes) {
      const Lanes some = lanes(block + i);
      highest = some > highest ? some : highest;
      unsound_ |= ~(some < INFINITY);  // true for what is no number
    }
    float here = highest[0];
    for (size_t i = 1; i < kLanes; ++i)
      here = std::max(here, highest[i]);
    if (here <= highest_) return false;
    highest_ = here;
    return true;
  }
  // All were numbers. One that is infinitely low is: it says "never".
  bool sound() const {
    int any = 0;
    for (size_t i = 0; i < kLanes; ++i)
      any |= unsound_[i];
    return any == 0;
  }

 private:
  static constexpr size_t kLanes = 4;
  using Lanes = float __attribute__((vector_size(16)));
  using Flags = int __attribute__((vector_size(16)));

  static Lanes lanes(const float* from) {
    Lanes loaded;
    std::memcpy(&loaded, from, sizeof loaded);
    return loaded;
  }

  float highest_ = -INFINITY;
  Flags unsound_{};
};

}  // namespace

std::optional<size_t> first_of_highest(std::span<const float> logits) {
  Survey survey;
  size_t block = 0;  // that the highest is in
  size_t first = 0;
  for (; first + kBlock <= logits.size(); first += kBlock)
    if (survey.raised_by(&logits[first])) block = first;
  if (first < logits.size()) {
    std::array<float, kBlock> rest;
    rest.fill(-INFINITY);
    std::ranges::copy(logits.subspan(first), rest.begin());
    if (survey.raised_by(rest.data())) block = first;
  }
  if (!survey.sound()) return std::nullopt;
  const std::span<const float> part = logits.subspan(block, std::min(kBlock, logits.size() - block));
  return block + static_cast<size_t>(std::ranges::max_element(part) - part.begin());
}

size_t first_of_highest(std::span<const float> logits, size_t unbiased, std::span<const llama_logit_bias> biases) {
  const auto token = [](const llama_logit_bias& bias) { return static_cast<size_t>(bias.token); };
  if (std::ranges::find(biases, unbiased, token) != biases.end()) {  // then it may be any
    std::vector<float> changed(logits.begin(), logits.end());
    for (const llama_logit_bias& bias : biases)
      changed[token(bias)] += bias.bias;
    return static_cast<size_t>(std::ranges::max_element(changed) - changed.begin());
  }
  size_t best = unbiased;
  float highest = logits[best];
  for (const llama_logit_bias& bias : biases) {
    const float value = logits[token(bias)] + bias.bias;
    if (value < highest || (value == highest && token(bias) > best)) continue;
    best = token(bias);
    highest = value;
  }
  return best;
}

Result<Sampler> Sampler::make(const LoadedModel& model, const domain::Sampling& sampling, const Grammar& grammar, uint32_t fallback_seed) {
  for (const auto& [token, bias] : sampling.logit_bias) {
    if (!model.is_token(token))
      return fail(ErrorKind::kInvalid, fmt::format("'logit_bias' is for token {}, but the model has {} tokens", token, model.vocabulary_size()), "logit_bias");
  }
  common_params_sampling params = params_of(sampling, fallback_seed);
  add_grammar(grammar, params);
  try {
    std::shared_ptr<common_sampler> sampler(common_sampler_init(model.get(), params), common_sampler_free);
    if (sampler != nullptr) {
      Sampler made(model, std::move(sampler));
      if (sampling.temperature == 0 && !penalises(sampling) && grammar.text.empty()) made.likeliest_by_ = std::move(params.logit_bias);
      return made;
    }
  } catch (const std::exception& error) {
    if (grammar.text.empty()) throw;
  }
  return fail(ErrorKind::kInvalid, "The schema asks for what no grammar can hold the model to", grammar.param);
}

Result<Token> Sampler::sample(llama_context* context, int index) {
  // A hostile model may compute anything; the library's samplers rely on numbers.
  const float* const logits = llama_get_logits_ith(context, index);
  const float* const end = logits + model_->vocabulary_size();
  const std::optional<size_t> highest = logits == nullptr ? std::nullopt : first_of_highest({logits, end});
  if (!highest) return fail(ErrorKind::kInternal, "the model computed values that are no numbers: the file or its quantisation is broken");
  if (likeliest_by_) return static_cast<Token>(first_of_highest({logits, end}, *highest, *likeliest_by_));
  // The chain would come to the same by the exponentials of all of them: a fifteenth of the time of a small model's token.
  try {
    const Token token = common_sampler_sample(sampler_.get(), context, index);
    if (!model_->is_token(token)) return fail(ErrorKind::kInternal, "the model chose a token that it does not have");
    common_sampler_accept(sampler_.get(), token, true);
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
