// The bytes of saved sequences: one file of blocks that outlives the worker, written by one worker at a time.
//
//   page 0   a table of records: where each block is, how long, and two seals (HMAC-SHA-256)
//   then     blocks, each from the start of a page: the tokens, then the state of their sequence
//
// A record's first seal covers its fields, the tokens and the second seal; the second covers the seals of the two halves of the state, which is long and is
// looked at only when it is used. Both are keyed by what the server gave for this endpoint, and bound to the library's build and to the shape of its contexts.
// What does not match, whatever was done to the file, is as if it were not there. A block is written before its record, so that a worker that ends in between
// leaves nothing but unused bytes.
//
// Used by one thread, which may have another for its seals. After sealing the process, writes need pwrite() on this descriptor, and a file size limit of
// `bytes_max`.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "engine_llama/schedule.h"

namespace ebb::engine_llama {

using Seal = std::array<uint8_t, 32>;

// Blocks that the file has room to name.
inline constexpr size_t kPrefixBlocksMax = 32;

// A file in memory, for a worker that was given none. Before the process is sealed. Empty if there is no memory.
Fd prefix_memory();
// Makes the library of the seals ready. Once, before the process gives up its files.
void init_seals();

class PrefixFile {
 public:
  struct Block {
    std::vector<Token> tokens;
    uint64_t offset = 0;
    uint64_t state_bytes = 0;
    uint64_t used = 0;  // rises with every use
    size_t record = 0;  // in the table
    Seal state_seal{};

    uint64_t end() const { return offset + tokens.size() * sizeof(Token) + state_bytes; }
  };
  // The state of a block as it lies in the file, readable as long as this lives.
  class State {
   public:
    State(void* map, size_t mapped, size_t skipped) : map_(map), mapped_(mapped), skipped_(skipped) {}
    State(State&& other) noexcept;
    State& operator=(State&&) = delete;
    ~State();
    std::span<const uint8_t> bytes() const { return {static_cast<const uint8_t*>(map_) + skipped_, mapped_ - skipped_}; }

   private:
    void* map_;
    size_t mapped_;
    size_t skipped_;
  };

  // Takes over what is in the file and has the right seals. `file` must outlive this. `shape`: all that a state depends on besides its tokens.
  PrefixFile(int file, std::string_view key, std::string_view shape, uint64_t bytes_max);

  const std::vector<Block>& blocks() const { return blocks_; }
  // Whether a block of that size may be kept at all; ask before making one.
  bool has_room_for(uint64_t state_bytes, size_t tokens) const;
  // Drops those that were used longest ago until there is room. False: it could not be written (no space on the disk), and is not kept.
  bool add(std::vector<Token> tokens, std::span<const uint8_t> state);
  // The state of blocks()[index], its seal checked; it counts as used. nullopt: it is damaged, and was dropped.
  std::optional<State> read(size_t index);
  void drop(size_t index);

 private:
  void take_over();
  std::optional<uint64_t> gap_for(uint64_t bytes) const;
  std::optional<size_t> free_record() const;
  Seal record_seal(const Block& block) const;
  Seal state_seal(std::span<const uint8_t> state) const;
  Seal seal_of(std::initializer_list<std::span<const uint8_t>> parts) const;
  bool write(uint64_t offset, std::span<const uint8_t> bytes) const;
  bool write_record(const Block& block) const;

  int file_;
  std::string key_;
  std::string shape_;
  uint64_t bytes_max_;
  std::vector<Block> blocks_;
  uint64_t uses_ = 0;
};

}  // namespace ebb::engine_llama
