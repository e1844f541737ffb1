// Starting one worker program with nothing but its channel. Only for the spawner, which has one thread.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "sandbox/confine.h"

namespace ebb::sandbox {

// Letters, digits and '-' only: it becomes part of a program's path.
bool is_engine_name(std::string_view name);

struct StartedWorker {
  pid_t pid = 0;
  Fd channel;  // the server's end
};

// The worker has: its end of the channel as descriptor 3, /dev/null as 0 to 2, an empty environment, a session of its own, and dies
// with us, and `argument` as its only one unless that is empty. It confines itself before it takes anything from the channel (confine.h).
Result<StartedWorker> start_worker(const std::string& program, const std::string& argument = {});

// ebb-container-end for these containers; it ends by itself, within seconds, also when we end first. kNow: it does not watch for what may still come.
// -1: it could not be forked.
enum class Ending { kNow, kWatch };
pid_t start_ending(const std::string& program, const std::string& containers, Ending how);

// A child that writes what it has to say about containers and ends; its program is a worker's, called with "describe". -1: it could not be forked.
struct Describing {
  pid_t pid = -1;
  Fd output;
};
Describing start_describing(const std::string& program);

// Confines and seals a child that does nothing else, and returns what held.
std::vector<Layer> try_layers();

}  // namespace ebb::sandbox
