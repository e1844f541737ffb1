// The file of a model's weights laid out anew for a kind of processor: a page that says what it is, then the engine library's buffers as they lie in memory.
//
//   page 0   the description, a JSON object and spaces
//   then     parts, each from a multiple of kLayoutPartAlignment, in the order in which the library asks for their memory
//
// Where a model is better computed as it is stored, the description says why, and there are no parts. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ebb::wire {

inline constexpr size_t kLayoutDescriptionBytes = 4096;
// So that a part can be mapped in huge pages.
inline constexpr uint64_t kLayoutPartAlignment = 2ULL << 20U;
// The library has two kinds of buffers for weights on a processor.
inline constexpr size_t kLayoutPartsMax = 8;
inline constexpr size_t kLayoutWhyBytesMax = 500;

struct WeightLayout {
  struct Part {
    uint64_t offset = 0;   // in the file
    uint64_t bytes = 0;    // of the buffer
    uint64_t tensors = 0;  // a hash of which tensors are where in it
    bool operator==(const Part&) const = default;
  };
  std::string made_for;       // the library's build and the processor
  std::string made_of;        // tells models apart that were mistaken for each other
  std::string as_stored_why;  // not empty: there is no layout
  bool tokens_alike = false;  // a token's results are the same to the last bit, alone and with those before and behind it
  std::vector<Part> parts;
  bool operator==(const WeightLayout&) const = default;
};

// Exactly kLayoutDescriptionBytes; `as_stored_why` is cut to fit.
std::string describe_layout(const WeightLayout& layout);

// `page` is the file's beginning, `file_bytes` its length. Error kCorrupt: it is not what describe_layout() wrote, or parts lie outside the file or on each
// other.
Result<WeightLayout> read_layout(std::string_view page, uint64_t file_bytes);

// Places parts of these sizes one behind the other.
std::vector<WeightLayout::Part> place_parts(const std::vector<uint64_t>& bytes);

}  // namespace ebb::wire
