// The socket of a function's way out, from its sandbox to the server, which has ebb-egress serve it.
#pragma once

#include "base/result.h"
#include "function/instance.h"
#include "function/server_link.h"

namespace ebb::function {

// Listens on the function's loopback and hands that on; the worker takes nothing from it. Returns the port. Before the program runs, which
// could take it. Errors: of Instance::listen.
Result<uint16_t> open_way_out(Instance& instance, ServerLink& server);

}  // namespace ebb::function
