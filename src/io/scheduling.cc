// The C library has no function for it.
#include "io/scheduling.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace ebb::io {

namespace {

// The kernel's struct sched_attr, whose header cannot be read beside <sched.h>.
struct SchedulingAttributes {
  uint32_t size = sizeof(SchedulingAttributes);
  uint32_t policy = SCHED_OTHER;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime = 0;  // of SCHED_OTHER the slice, in nanoseconds
  uint64_t deadline = 0;
  uint64_t period = 0;
  uint32_t utilization_min = 0;
  uint32_t utilization_max = 0;
};

}  // namespace

void ask_for_short_slices() {
  constexpr uint64_t kSliceNanoseconds = 100'000;  // the shortest that there is
  SchedulingAttributes wanted;
  wanted.nice = ::getpriority(PRIO_PROCESS, 0);
  wanted.runtime = kSliceNanoseconds;
  (void)::syscall(SYS_sched_setattr, 0, &wanted, 0);
}

}  // namespace ebb::io
