// Closing is never retried: on Linux the descriptor is gone even when close() reports EINTR.
#include "base/fd.h"

#include <unistd.h>

namespace ebb {

void Fd::reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

}  // namespace ebb
