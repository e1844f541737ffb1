// A failed check says where and ends the process: a wrong state is never carried on with.
#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace ebb {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "ebb: bug: check failed: %s (%s:%d)\n", condition, file, line);
  std::abort();
}

}  // namespace ebb
