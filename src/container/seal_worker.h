// What a container worker gives up once its sandbox is prepared.
#pragma once

#include "base/result.h"

namespace ebb::container {

// Once, in a process with one thread, before the first byte of the function's or of a caller's is read: nobody, no capabilities, no network of its
// own, no file, no process. What is left is what a loop with Asio does to sockets that it has, takes from ebb-init or accepts, and to
// the descriptors of its sandbox. Ends the process if its parent died meanwhile.
// kInternal: the list of system calls did not hold. As with the other workers, a layer that the kernel lacks is reported by ebb-spawner.
Status seal_container_worker();

}  // namespace ebb::container
