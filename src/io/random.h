// Where the shell's randomness comes from. Decisions get a generator as a parameter, seeded once with this, so that they can be replayed.
#pragma once

#include <cstdint>

namespace ebb::io {

// From the kernel: fit for seeds and for ids that nobody may guess.
uint64_t random_seed();

}  // namespace ebb::io
