// What the next batch holds and which slot a call gets. Pure: values in, values out; no model needed.
//
// A step has one token of every call that is generating, in one batch, and chunks of prompts, each prompt's in its own. While someone generates, prompts get
// as many chunks a step as take a tenth of a second, and at least one, so that a long prompt delays everyone else by no more; else a few. Chunks end at
// multiples of their size, counted from the prompt's beginning: the same prompt is then cut the same way whoever runs beside it, and gives the same answer.
//
// Classes of calls (domain::Priority) share steps like this:
//
//   the highest class that computes prompts   prompts in the step      who generates in it
//   critical                                  of critical calls        critical and normal calls
//   normal                                    of normal calls          all
//   batch                                     of batch calls, a chunk  nobody; all, in the next step
//   (no prompts)                              -                        all
//
// So a call that comes while a step is being computed waits for one token of everyone or for one chunk of a batch prompt, not for both.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/time.h"
#include "domain/priority.h"

namespace ebb::engine_llama {

using Token = int32_t;  // as the library's

inline constexpr int64_t kPromptChunk = 32;
inline constexpr int64_t kPromptTokensPerStepMax = 128;
// What a step may spend on prompts while others generate. Ten tokens a second are read as they come.
inline constexpr milliseconds kPromptTimeBeside{100};

// A prompt that is not done: tokens [done, total) remain.
struct PromptNeed {
  size_t slot = 0;
  int64_t done = 0;
  int64_t total = 0;
  domain::Priority priority = domain::Priority::kNormal;
  uint64_t came = 0;  // rises with every call
};
// Whose chunk is next.
enum class PromptTurn { kShortest, kFirst };
struct PromptShare {
  size_t slot = 0;
  int64_t tokens = 0;
  bool operator==(const PromptShare&) const = default;
};

// The highest class that computes prompts. nullopt: nobody does.
std::optional<domain::Priority> prompt_class(std::span<const PromptNeed> needs);
// Whether a call of this class generates in steps with prompts of that one.
bool generates_beside(domain::Priority own, std::optional<domain::Priority> prompts);
// Whether prompts of this class have steps for themselves, in turn with those in which calls generate.
bool computes_apart(std::optional<domain::Priority> prompts);
// Whether the prompts of one class wait for those of another.
bool is_computed_before(domain::Priority one, domain::Priority other);

// How fast prompts are computed here, by what they took.
class PromptPace {
 public:
  void took(int64_t tokens, nanoseconds time);
  // Whole chunks, from one to kPromptTokensPerStepMax, that take kPromptTimeBeside together at most; one while nothing is known.
  int64_t beside() const;

 private:
  double nanoseconds_a_token_ = 0;  // 0: not known
};

// Shares the step's prompt tokens among the prompts of the highest class, a chunk to the one with the least left and a chunk to the one that came first, in
// turn; `turn` is moved on. So a short prompt does not wait for long ones, and none for ever: whoever came first gets half. (All in turn, each would be done
// when all are.) `all` ascend by slot. `beside`: how many tokens there are while someone generates.
std::vector<PromptShare> share_prompts(std::span<const PromptNeed> all, bool someone_generates, int64_t beside, PromptTurn& turn);

// Texts to be turned into vectors go in batches of about this many tokens: more gains nothing, and others wait for a batch.
inline constexpr int64_t kBatchTokens = 256;
inline constexpr size_t kBatchTexts = 64;
// How many of the next texts make a batch, at least one.
size_t texts_in_batch(std::span<const std::vector<Token>> rest);

// How many tokens the two have in common from their beginnings.
size_t common_prefix(std::span<const Token> a, std::span<const Token> b);

// Where what is known of a prompt may end, so that its answer is the same as without. A token computed alone may round differently from one among others,
// enough for another answer.
enum class Cut {
  kAnywhere,  // the model's tokens are alike (LoadedModel::tokens_alike)
  kAtChunks,  // nor is the last chunk cut otherwise
};
// Of `common` tokens that are known of a prompt of so many, how many to keep. The last one is always computed: it says how the answer begins.
size_t tokens_to_keep(size_t common, size_t prompt_tokens, Cut cut);
// Whether bringing something back that has so many of a prompt is worth it, where so many are known already: it saves a chunk.
bool saves_a_chunk(size_t tokens, size_t known);

// What a prompt may begin with instead of computing it: a slot's sequence holds it, or will once the slot's own prompt is computed.
struct Neighbour {
  uint64_t use = 0;               // of the slot (SlotState::last_used)
  std::span<const Token> tokens;  // the prompt that it computes, or all that it knows
};
struct SharedBeginning {
  uint64_t use = 0;
  size_t tokens = 0;
  bool operator==(const SharedBeginning&) const = default;
};
// The longest beginning that a neighbour has of a prompt of which so much is `known`. Of equal ones that of the oldest use: whoever that one waits
// for itself has less to compute than this. nullopt: none saves a chunk.
std::optional<SharedBeginning> choose_beginning(std::span<const Token> prompt, size_t known, std::span<const Neighbour> neighbours, Cut cut);

struct SlotState {
  bool free = true;
  size_t kept = 0;         // tokens of an earlier call that the slot still knows
  size_t common = 0;       // of them, how many begin the new prompt
  uint64_t last_used = 0;  // rises with every use
};
// The slot for a new call: the one that continues best, if most of what it keeps is of use; else an empty one; else the one that
// was used longest ago. nullopt: none is free.
std::optional<size_t> choose_slot(std::span<const SlotState> slots);

}  // namespace ebb::engine_llama
