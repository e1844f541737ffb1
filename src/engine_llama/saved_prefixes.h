// What parked sequences knew: their tokens and their KV state, so that a conversation goes on without computing its beginning again, after waking and
// in the next worker. Of one endpoint: never another tenant's, another model's or another library's (prefix_file.h).
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "engine_llama/prefix_file.h"
#include "engine_llama/schedule.h"

namespace ebb::engine_llama {

class SavedPrefixes {
 public:
  // file: as PrefixFile takes it, or -1: nothing is kept.
  SavedPrefixes(int file, std::string_view key, std::string_view shape, uint64_t bytes_max);

  // Whether a state of that size may be kept at all; ask before copying one.
  bool has_room_for(uint64_t state_bytes, size_t tokens) const { return file_ && file_->has_room_for(state_bytes, tokens); }
  // Adds as the most recent; those that were used longest ago make room. One whose tokens begin another's is not kept: the longer one serves both.
  void add(std::vector<Token> tokens, std::span<const uint8_t> state);
  // The one that shares the longest beginning with the prompt, and how much; common is 0 where none shares any.
  struct Match {
    size_t index = 0;
    size_t common = 0;
  };
  Match longest_match(std::span<const Token> prompt) const;
  const std::vector<Token>& tokens(size_t index) const { return file_->blocks()[index].tokens; }
  // nullopt: it is damaged; the indices of others may have changed.
  std::optional<PrefixFile::State> state(size_t index) { return file_->read(index); }

  size_t count() const { return file_ ? file_->blocks().size() : 0; }

 private:
  std::optional<PrefixFile> file_;
};

}  // namespace ebb::engine_llama
