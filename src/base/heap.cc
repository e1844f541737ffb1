// The server is linked with mimalloc, which takes half of the time that the C library's allocator takes for a call; workers and tests are not.
#include "base/heap.h"

#include <malloc.h>

// Where it is not linked, it is null.
extern "C" [[gnu::weak]] void mi_collect(bool force) noexcept;  // NOLINT(readability-identifier-naming)

namespace ebb {

void give_back_free_memory() {
  if (mi_collect != nullptr) {
    mi_collect(true);
  } else {
    ::malloc_trim(0);
  }
}

}  // namespace ebb
