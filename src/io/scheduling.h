// What a thread asks of the kernel's scheduler.
#pragma once

namespace ebb::io {

// The calling thread is to run soon after it wakes, also where others compute on every processor, and gives way sooner in turn: slices of a tenth of a
// millisecond (sched_setattr(2), Linux 6.12 and later; before, and where it is refused, nothing changes). What it starts afterwards inherits it.
void ask_for_short_slices();

}  // namespace ebb::io
