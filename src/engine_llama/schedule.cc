// Decisions of the continuous batching.
#include "engine_llama/schedule.h"

#include <algorithm>
#include <utility>

namespace ebb::engine_llama {

using domain::Priority;

std::optional<Priority> prompt_class(std::span<const PromptNeed> needs) {
  const auto highest = std::ranges::min_element(needs, {}, &PromptNeed::priority);
  return highest == needs.end() ? std::nullopt : std::optional(highest->priority);
}

bool generates_beside(Priority own, std::optional<Priority> prompts) { return own != Priority::kBatch || prompts != Priority::kCritical; }

bool computes_apart(std::optional<Priority> prompts) { return prompts == Priority::kBatch; }

bool is_computed_before(Priority one, Priority other) { return one < other; }

namespace {

// Of a new measurement: one that was disturbed does not decide alone.
constexpr double kNewest = 0.25;

}  // namespace

void PromptPace::took(int64_t tokens, nanoseconds time) {
  const double each = static_cast<double>(time.count()) / static_cast<double>(tokens);
  nanoseconds_a_token_ = nanoseconds_a_token_ == 0 ? each : (1 - kNewest) * nanoseconds_a_token_ + kNewest * each;
}

int64_t PromptPace::beside() const {
  if (nanoseconds_a_token_ <= 0) return kPromptChunk;
  const double tokens = static_cast<double>(nanoseconds(kPromptTimeBeside).count()) / nanoseconds_a_token_;
  return std::clamp(static_cast<int64_t>(std::min<double>(tokens, kPromptTokensPerStepMax)) / kPromptChunk * kPromptChunk, kPromptChunk,
                    kPromptTokensPerStepMax);
}

namespace {

struct Sharing {
  PromptNeed need;
  int64_t given = 0;

  int64_t left() const { return need.total - need.done - given; }
  // Up to the next boundary. A token computed alone rounds differently from one among others: a last one is not left alone.
  int64_t chunk() const {
    const int64_t to_boundary = kPromptChunk - (need.done + given) % kPromptChunk;
    return to_boundary + 1 == left() ? left() : std::min(to_boundary, left());
  }
};

bool goes_before(const Sharing& one, const Sharing& other, PromptTurn turn) {
  const int64_t by_length = turn == PromptTurn::kShortest ? one.left() - other.left() : 0;
  return by_length != 0 ? by_length < 0 : one.need.came < other.need.came;
}

// Of those whose chunk fits: it is given whole or not at all, so that where it is cut does not depend on the others. nullptr: none.
Sharing* next_of(std::span<Sharing> all, int64_t budget, PromptTurn turn) {
  Sharing* best = nullptr;
  for (Sharing& one : all) {
    if (one.chunk() == 0 || one.chunk() > budget + 1) continue;
    if (best == nullptr || goes_before(one, *best, turn)) best = &one;
  }
  return best;
}

}  // namespace

std::vector<PromptShare> share_prompts(std::span<const PromptNeed> all, bool someone_generates, int64_t beside, PromptTurn& turn) {
  std::vector<PromptShare> shares;
  const std::optional<Priority> highest = prompt_class(all);
  if (!highest) return shares;
  std::vector<Sharing> sharing;
  for (const PromptNeed& need : all) {
    if (need.priority == *highest) sharing.push_back({.need = need});
  }
  int64_t budget = someone_generates || computes_apart(highest) ? beside : kPromptTokensPerStepMax;
  for (Sharing* next = next_of(sharing, budget, turn); next != nullptr && budget > 0; next = next_of(sharing, budget, turn)) {
    budget -= next->chunk();
    next->given += next->chunk();
    turn = turn == PromptTurn::kShortest ? PromptTurn::kFirst : PromptTurn::kShortest;
  }
  for (const Sharing& one : sharing) {
    if (one.given > 0) shares.push_back({.slot = one.need.slot, .tokens = one.given});
  }
  return shares;
}

size_t texts_in_batch(std::span<const std::vector<Token>> rest) {
  size_t count = 0;
  for (size_t tokens = 0; count < std::min(rest.size(), kBatchTexts); ++count) {
    tokens += rest[count].size();
    if (count > 0 && std::cmp_greater(tokens, kBatchTokens)) break;
  }
  return count;
}

size_t common_prefix(std::span<const Token> a, std::span<const Token> b) {
  const size_t shorter = std::min(a.size(), b.size());
  return static_cast<size_t>(std::mismatch(a.begin(), a.begin() + static_cast<ptrdiff_t>(shorter), b.begin()).first - a.begin());
}

size_t tokens_to_keep(size_t common, size_t prompt_tokens, Cut cut) {
  if (cut == Cut::kAnywhere) return std::min(common, std::max<size_t>(prompt_tokens, 1) - 1);
  // The last chunk has at least two tokens, unless the prompt has one only (share_prompts).
  const size_t before_last = prompt_tokens < 2 ? 0 : prompt_tokens - 2;
  return std::min(common, before_last) / kPromptChunk * kPromptChunk;
}

bool saves_a_chunk(size_t tokens, size_t known) { return std::cmp_greater_equal(tokens, known + kPromptChunk); }

std::optional<SharedBeginning> choose_beginning(std::span<const Token> prompt, size_t known, std::span<const Neighbour> neighbours, Cut cut) {
  std::optional<SharedBeginning> best;
  for (const Neighbour& neighbour : neighbours) {
    const size_t tokens = tokens_to_keep(common_prefix(neighbour.tokens, prompt), prompt.size(), cut);
    const bool better = !best || tokens > best->tokens || (tokens == best->tokens && neighbour.use < best->use);
    if (saves_a_chunk(tokens, known) && better) best = SharedBeginning{.use = neighbour.use, .tokens = tokens};
  }
  return best;
}

std::optional<size_t> choose_slot(std::span<const SlotState> slots) {
  std::optional<size_t> best;
  // Higher is better, in this order: continues (by length), empty, used long ago.
  const auto continues = [](const SlotState& slot) { return slot.common > 0 && slot.common * 2 >= slot.kept ? slot.common : 0; };
  const auto better = [&](const SlotState& a, const SlotState& b) {
    if (continues(a) != continues(b)) return continues(a) > continues(b);
    if ((a.kept == 0) != (b.kept == 0)) return a.kept == 0;
    return a.last_used < b.last_used;
  };
  for (size_t index = 0; index < slots.size(); ++index) {
    if (slots[index].free && (!best || better(slots[index], slots[*best]))) best = index;
  }
  return best;
}

}  // namespace ebb::engine_llama
