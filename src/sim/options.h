// What ebb-sim was asked to do, read from its arguments.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace ebb::sim {

struct Options {
  uint64_t first_seed = 1;
  uint64_t seeds = 100;
  int minutes = 5;  // of virtual time in which clients call and faults happen
  int jobs = 1;
  bool trace = false;   // the whole story of each seed, in words
  std::string planted;  // a bug of planted.h, or "all"
};

inline constexpr std::string_view kUsage =
    "usage: ebb-sim [--seeds FIRST:COUNT] [--minutes M] [--jobs N] [--trace] [--planted NAME|all]\n"
    "Runs the control core in virtual time, in a world made of each seed, and checks every step. Exit status: 0 all holds, 1 a rule broke, 2 wrong "
    "arguments.\n";

// Error: kInvalid, with a sentence that says which argument is wrong.
Result<Options> parse_options(std::span<const char* const> arguments);

}  // namespace ebb::sim
