// By what was there before.
#include "engine_llama/guess.h"

#include <algorithm>

namespace ebb::engine_llama {

namespace {

constexpr size_t kPauseMax = 64;

}  // namespace

std::vector<Token> guess(std::span<const Token> known, size_t most) {
  if (known.size() <= kGuessedBy || most == 0) return {};
  const std::span<const Token> last = known.last(kGuessedBy);
  for (size_t end = known.size() - 1; end >= kGuessedBy; --end) {
    if (!std::ranges::equal(known.subspan(end - kGuessedBy, kGuessedBy), last)) continue;
    std::vector<Token> followed(known.begin() + static_cast<std::ptrdiff_t>(end), known.end());
    // What followed up to now goes on like itself.
    for (size_t i = 0; followed.size() < most; ++i)
      followed.push_back(followed[i]);
    followed.resize(most);
    return followed;
  }
  return {};
}

size_t GuessPace::next() {
  if (pause_ == 0) return most_;
  --pause_;
  return 0;
}

void GuessPace::came(size_t guessed, size_t right) {
  if (right == 0) {
    most_ = 2;
    pause_ = next_pause_;
    next_pause_ = std::min(2 * next_pause_, kPauseMax);
    return;
  }
  next_pause_ = 1;
  if (right == guessed) most_ = std::min(2 * most_, kGuessesMax);
}

}  // namespace ebb::engine_llama
