// The library's context: the KV caches of a number of sequences, and one batch at a time over them.
//
// Sequence i belongs to slot i. Each has its own cache of the same size, so that a sequence computes the same alone and beside others.
// Address space is taken for as many sequences as a worker may ever have, memory only for tokens that are in one (tensor_memory.h): so
// growing costs nothing, and a saved state fits every later context, which it does only where the number of sequences is the same.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "base/result.h"
#include "engine_llama/backend.h"
#include "engine_llama/loaded_model.h"
#include "engine_llama/schedule.h"

struct llama_context;

namespace ebb::engine_llama {

// The saved state of a sequence; bytes of the library, never from anybody but a worker of the same endpoint.
using SequenceState = std::vector<uint8_t>;

class Sequences {
 public:
  // Takes fewer than the most, but at least so many, where the system does not give address space freely. Error kExhausted: not even that.
  static Result<std::unique_ptr<Sequences>> make(const LoadedModel& model, int at_least, int64_t context_tokens, const Threads& threads);
  ~Sequences();
  Sequences(const Sequences&) = delete;
  Sequences& operator=(const Sequences&) = delete;

  int capacity() const { return capacity_; }
  void use(const Threads& threads);

  void clear(size_t sequence);
  // Empties all, and gives their memory back, for the kernel to take when it needs some.
  void give_back();
  // Forgets everything from `position` on. False: the model cannot do that; the sequence is then empty.
  bool cut_back(size_t sequence, int64_t position);
  // Empty: it could not be saved.
  SequenceState save(size_t sequence) const;
  bool restore(size_t sequence, std::span<const uint8_t> state);
  size_t saved_bytes(size_t sequence) const;

  // The batch: add, then decode; decode empties it. Returns the index by which a wanted output is found afterwards.
  int add(size_t sequence, int64_t position, Token token, bool wants_output);
  // Error kInternal: the library failed; the sequences of this batch are then in an unknown state.
  Status decode();
  llama_context* get() const { return context_; }

 private:
  Sequences(llama_context* context, int capacity, uint64_t memory) : context_(context), capacity_(capacity), memory_(memory) {}

  llama_context* context_;
  int capacity_;
  uint64_t memory_;  // the mark of its buffers (tensor_memory.h)
  std::vector<Token> tokens_;
  std::vector<int32_t> positions_;
  std::vector<int32_t> owners_;
  std::vector<int8_t> outputs_;
};

}  // namespace ebb::engine_llama
