// What ebb-egress gives up before it hears of the first function. It keeps the network, and the files that say how names are resolved.
#pragma once

#include <vector>

#include "base/result.h"
#include "sandbox/confine.h"

namespace ebb::egress {

// Once, before there are threads. Afterwards: nobody, without capabilities; no file but those of names; no system call but those of sockets of the internet,
// of resolving and of plain computing; no program, no other process, no local socket. Error: a layer that is there refused to work.
Status confine();

}  // namespace ebb::egress
