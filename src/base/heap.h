// The allocator's free memory, of whichever allocator the program was linked with.
#pragma once

namespace ebb {

// What was freed and is kept for later goes back to the system. Some milliseconds.
void give_back_free_memory();

}  // namespace ebb
