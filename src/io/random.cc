// getrandom gives up to 256 bytes whole, or waits while the machine is young.
#include "io/random.h"

#include <sys/random.h>

#include <cerrno>

#include "base/check.h"

namespace ebb::io {

uint64_t random_seed() {
  uint64_t seed = 0;
  ssize_t count = 0;
  do {
    count = ::getrandom(&seed, sizeof seed, 0);
  } while (count < 0 && errno == EINTR);
  EBB_CHECK(count == sizeof seed);
  return seed;
}

}  // namespace ebb::io
