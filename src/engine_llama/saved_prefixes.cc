// Few, so every question is a walk over all.
#include "engine_llama/saved_prefixes.h"

#include <utility>

namespace ebb::engine_llama {

SavedPrefixes::SavedPrefixes(int file, std::string_view key, std::string_view shape, uint64_t bytes_max) {
  if (file >= 0) file_.emplace(file, key, shape, bytes_max);
}

void SavedPrefixes::add(std::vector<Token> tokens, std::span<const uint8_t> state) {
  // Nothing is dropped for what could not be saved.
  if (state.empty() || !has_room_for(state.size(), tokens.size())) return;
  for (size_t index = count(); index-- > 0;) {
    const size_t common = common_prefix(this->tokens(index), tokens);
    if (common == tokens.size()) return;
    if (common == this->tokens(index).size()) file_->drop(index);
  }
  (void)file_->add(std::move(tokens), state);
}

SavedPrefixes::Match SavedPrefixes::longest_match(std::span<const Token> prompt) const {
  Match best;
  for (size_t index = 0; index < count(); ++index) {
    const size_t common = common_prefix(tokens(index), prompt);
    if (common > best.common) best = {.index = index, .common = common};
  }
  return best;
}

}  // namespace ebb::engine_llama
