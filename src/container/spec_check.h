// What of a sandbox is decided from values alone: whether a spec and a program can be meant, and what an end means.
#pragma once

#include <string_view>

#include "container/init_protocol.h"
#include "container/sandbox.h"

namespace ebb::container {

// kInvalid, with the field.
Status check_spec(const SandboxSpec& spec, const Runtime& runtime);

// `strings`: all of it with a zero after each, as it is sent.
Status check_program(const Program& program, std::string_view strings);

// What ebb-init's refusal to run means for the person whose program it is. `reply.error` is not zero.
Error run_error(const Reply& reply, const Program& program, int pids_max);

struct Limits {
  uint64_t memory_bytes = 0;
  int pids_max = 0;
};

EndOfFunction end_of_function(const Exited& exited, const SandboxUsage& usage, bool init_is_gone, const Limits& limits);

}  // namespace ebb::container
