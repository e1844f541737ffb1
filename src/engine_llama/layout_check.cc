// The tokens are arbitrary: what is compared is arithmetic, not language.
#include "engine_llama/layout_check.h"

#include <fmt/format.h>
#include <llama.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "engine_llama/guess.h"
#include "engine_llama/sequences.h"

namespace ebb::engine_llama {

namespace {

// A whole chunk and a part of one.
constexpr int64_t kPrompt = kPromptChunk + 9;
constexpr int64_t kGenerated = 3;
constexpr int64_t kContext = 256;
// Fewer cells than attention takes at once: what it makes of more does not depend on how many tokens ask.
constexpr int64_t kTogether = 24;
constexpr std::array<int64_t, 4> kAtOnce = {2, 3, 5, kGuessesMax + 1};

// Kernels take rows in twos, threes, fours, eights and sixteens.
constexpr std::array kTrials = {
    Trial{.before = 0, .behind = 0}, Trial{.before = 0, .behind = 1}, Trial{.before = 2, .behind = 0}, Trial{.before = 1, .behind = 2},
    Trial{.before = 4, .behind = 0}, Trial{.before = 0, .behind = 7}, Trial{.before = 9, .behind = 8},
};

int others_of(const Trial& trial) { return trial.before + trial.behind; }

class Computed {
 public:
  Computed(const LoadedModel& model, Sequences& sequences) : model_(model), sequences_(sequences) {}

  Result<std::vector<float>> attempt(const Trial& trial) {
    for (size_t i = 0; i <= static_cast<size_t>(others_of(trial)); ++i)
      sequences_.clear(i);
    for (int64_t done = 0; done < kPrompt; done += kPromptChunk) {
      const int64_t end = std::min(done + kPromptChunk, kPrompt);
      int last = 0;
      for (int64_t position = done; position < end; ++position)
        last = sequences_.add(0, position, token(0, position), position + 1 == end);
      if (const Status taken = take(last); !taken) return fail(taken.error());
    }
    for (int64_t i = 0; i < kGenerated; ++i) {
      for (int other = 0; other < trial.before; ++other)
        add_other(other, i);
      const int own = sequences_.add(0, kPrompt + i, token(0, kPrompt + i), true);
      for (int other = 0; other < trial.behind; ++other)
        add_other(trial.before + other, i);
      if (const Status taken = take(own); !taken) return fail(taken.error());
    }
    return std::move(results_);
  }

  // Of one sequence, so many at once; of each token.
  Result<std::vector<float>> together(int64_t at_once) {
    sequences_.clear(0);
    for (int64_t done = 0; done < kTogether; done += at_once) {
      std::vector<int> outputs;
      for (int64_t position = done; position < std::min(done + at_once, kTogether); ++position)
        outputs.push_back(sequences_.add(0, position, token(0, position), true));
      if (Status computed = sequences_.decode(); !computed) return fail(computed.error());
      for (const int output : outputs)
        if (const Status taken = take_output(output); !taken) return fail(taken.error());
    }
    return std::move(results_);
  }

 private:
  Token token(int sequence, int64_t position) const { return static_cast<Token>((7919 * (position + 1) + 104'729 * sequence) % model_.vocabulary_size()); }
  void add_other(int other, int64_t position) { (void)sequences_.add(static_cast<size_t>(other) + 1, position, token(other + 1, position), true); }
  Status take(int output) {
    if (Status done = sequences_.decode(); !done) return done;
    return take_output(output);
  }
  Status take_output(int output) {
    const float* const logits = llama_get_logits_ith(sequences_.get(), output);
    if (logits == nullptr) return fail(ErrorKind::kInternal, "the engine gave no results");
    results_.insert(results_.end(), logits, logits + model_.vocabulary_size());
    return {};
  }

  const LoadedModel& model_;
  Sequences& sequences_;
  std::vector<float> results_;
};

}  // namespace

std::span<const Trial> trials() { return kTrials; }

Result<std::string> difference(std::span<const Trial> all, const Attempt& attempt) {
  std::vector<float> first;
  for (const Trial& trial : all) {
    Result<std::vector<float>> results = attempt(trial);
    if (!results) return fail(results.error());
    if (first.empty()) {
      first = std::move(*results);
    } else if (results->size() != first.size() || std::memcmp(results->data(), first.data(), first.size() * sizeof(float)) != 0) {
      return fmt::format("a token computed beside {} others differs from one beside {}", others_of(trial), others_of(all.front()));
    }
  }
  return std::string();
}

Result<std::string> difference(const LoadedModel& model) {
  int others = 0;
  for (const Trial& trial : kTrials)
    others = std::max(others, others_of(trial));
  const Threads one;
  const Result<std::unique_ptr<Sequences>> sequences = Sequences::make(model, others + 1, kContext, one);
  if (!sequences) return fail(sequences.error());
  return difference(kTrials, [&](const Trial& trial) { return Computed(model, **sequences).attempt(trial); });
}

Result<bool> tokens_alike(const LoadedModel& model) {
  const Threads one;
  const Result<std::unique_ptr<Sequences>> sequences = Sequences::make(model, 1, kContext, one);
  if (!sequences) return fail(sequences.error());
  const Result<std::vector<float>> singly = Computed(model, **sequences).together(1);
  if (!singly) return fail(singly.error());
  for (const int64_t at_once : kAtOnce) {
    const Result<std::vector<float>> several = Computed(model, **sequences).together(at_once);
    if (!several) return fail(several.error());
    if (several->size() != singly->size() || std::memcmp(several->data(), singly->data(), singly->size() * sizeof(float)) != 0) return false;
  }
  return true;
}

}  // namespace ebb::engine_llama
