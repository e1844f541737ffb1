// What parked sequences knew: their tokens and their KV state, so that a conversation goes on after waking without computing its
// beginning again. In this worker's memory only, so never another tenant's, another model's or another library's.
#pragma once

#include <span>
#include <vector>

#include "engine_llama/schedule.h"
#include "engine_llama/sequences.h"

namespace ebb::engine_llama {

inline constexpr size_t kSavedPrefixesMax = 8;
inline constexpr size_t kSavedBytesMax = size_t{64} << 20U;

class SavedPrefixes {
 public:
  struct Saved {
    std::vector<Token> tokens;
    SequenceState state;
  };

  // Whether a state of that size may be kept at all; ask before copying one.
  static bool has_room_for(size_t bytes) { return bytes <= kSavedBytesMax; }
  // Adds as the most recent; the oldest go if bounds are passed. One whose tokens begin another's is dropped: the longer one serves both.
  void add(Saved saved);
  // The one that shares the longest beginning with the prompt, and how much; nullptr: none shares any.
  struct Match {
    const Saved* saved = nullptr;
    size_t common = 0;
  };
  Match longest_match(std::span<const Token> prompt) const;

  size_t count() const { return saved_.size(); }
  size_t bytes() const;

 private:
  std::vector<Saved> saved_;  // most recent last
};

}  // namespace ebb::engine_llama
