// Starting ebb-spawner from the server, with one socket between the two.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace ebb::sandbox {

struct SpawnerProcess {
  Fd channel;  // our end; the spawner has the other as descriptor 3, and nothing else of ours
  Fd pidfd;    // readable once it has ended
  pid_t pid = 0;
};

// May be called in a process with threads, by one that lives as long as the process: the kernel ends the spawner with the thread that
// started it. Error: kNotFound with the path, or kIo.
//
// `containers`: what the ids of this server's containers begin with, different for each home ([a-z0-9-]); empty: it has none. What an earlier server or
// spawner left of them is ended before the spawner says anything.
Result<SpawnerProcess> start_spawner(const std::string& program, const std::string& containers = {});

}  // namespace ebb::sandbox
