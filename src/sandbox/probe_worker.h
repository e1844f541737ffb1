// A worker that tries what a worker must not be able to do. The programs around it confine themselves as an engine's program does, after having loaded what it
// loads.
//
// Speaks Blank; then for Load, with a model's descriptor, it seals itself, does what the model's name says, reports each outcome as a line of Log, and says
// Ready. It ends when its channel does.
//
//   all             every attempt that fails with an error, and what must still work
//   before          what must be refused before the seal too, while a model is being loaded
//   sweep           every system call by its number, but those that are allowed whatever their arguments
//   threads         as many as are allowed: one line with their number
//   lethal:<name>   one of kLethal: no Ready follows, unless the seal leaks
//   anything else   nothing
#pragma once

#include "base/fd.h"

namespace ebb::sandbox {

// Returns the process's exit status.
int run_probe(Fd channel);

}  // namespace ebb::sandbox
