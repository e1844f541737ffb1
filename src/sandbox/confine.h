// How a worker gives up its rights, in two steps that every worker program and the probe share:
//
//   program starts, libraries loaded   confine()   no network, no files, no capabilities, no new privileges, small limits
//   model mapped from its descriptor   seal()      the system calls that computing needs, and no other
//   only then                          "ready", and the first byte of a request
//
// A layer that the kernel or our rights lack is reported as inactive, never skipped silently; `ebb status` names it and
// `ebb serve --require-sandbox` refuses to start without it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"

namespace ebb::sandbox {

// Threads of one worker at most, where they are counted for each worker alone: in a user namespace of its own. More than any machine of ours
// has cores; a worker that was taken over cannot use up the system's.
inline constexpr int kThreadsMax = 1024;

struct Layer {
  std::string name;
  bool active = false;
  std::string detail;  // what it does; why it is not active
};

// Once, in a process with one thread: most layers bind only the calling thread and what comes from it. Descriptors that are open stay open.
// Ends the process if its parent died meanwhile. `written_bytes_max`: what one file that is open already may grow to; a worker writes none.
std::vector<Layer> confine(uint64_t written_bytes_max = 0);

// All of confine() but its last step, for a worker that has sockets of its own: `descriptors_max` of them and other descriptors together.
std::vector<Layer> give_up_rights(int descriptors_max, uint64_t written_bytes_max = 0);

// For a process that goes out to the network for others: its network stays, these files and folders can be read, and all else of give_up_rights()
// holds. Before it has threads.
std::vector<Layer> give_up_all_but_network(int descriptors_max, std::span<const char* const> readable);

// What confine() ends with: while a model is being loaded, whatever reads it can open no socket, start no process and signal nobody. The list
// of what is refused is short here, and that of seal() is of what is allowed.
Layer refuse_early();

// Once, after confine(), in all threads of the process. Afterwards a system call that is not on the list fails with EPERM; one of
// another architecture ends the process.
Layer seal();

// A system call that a worker may make besides those of every engine; with a condition, only where that argument has that value.
struct MoreCalls {
  struct Condition {
    unsigned argument = 0;
    uint64_t value = 0;
    uint64_t mask = ~uint64_t{0};  // of the argument, before it is compared
  };
  int call = 0;
  std::optional<Condition> condition = std::nullopt;
};

// seal() with more calls allowed, for a worker that gave its rights up with give_up_rights().
Layer seal_and(std::span<const MoreCalls> more);

// The numbers of the system calls that seal() allows whatever their arguments.
std::span<const int> calls_without_conditions();

// seal() for a worker program: an error if this kernel has seccomp and did not take the list. A kernel without it is not judged here but by
// whoever starts workers: the spawner reports the layer as inactive.
Status seal_or_fail();
Status seal_and_or_fail(std::span<const MoreCalls> more);

}  // namespace ebb::sandbox
