// Eight at most, so every question is a walk over all.
#include "engine_llama/saved_prefixes.h"

#include <algorithm>

namespace ebb::engine_llama {

void SavedPrefixes::add(Saved saved) {
  if (saved.state.empty() || !has_room_for(saved.state.size())) return;
  std::erase_if(saved_, [&](const Saved& other) { return common_prefix(other.tokens, saved.tokens) == other.tokens.size(); });
  const bool known = std::ranges::any_of(saved_, [&](const Saved& other) { return common_prefix(other.tokens, saved.tokens) == saved.tokens.size(); });
  if (known) return;
  saved_.push_back(std::move(saved));
  while (saved_.size() > kSavedPrefixesMax || bytes() > kSavedBytesMax)
    saved_.erase(saved_.begin());
}

SavedPrefixes::Match SavedPrefixes::longest_match(std::span<const Token> prompt) const {
  Match best;
  for (const Saved& saved : saved_) {
    const size_t common = common_prefix(saved.tokens, prompt);
    if (common > best.common) best = {.saved = &saved, .common = common};
  }
  return best;
}

size_t SavedPrefixes::bytes() const {
  size_t sum = 0;
  for (const Saved& saved : saved_)
    sum += saved.state.size();
  return sum;
}

}  // namespace ebb::engine_llama
