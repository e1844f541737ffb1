// What a hostile function would try from inside its container, as data: ebb-container-probe runs these. Not for programs that serve anyone.
//
// Most are a system call made directly. What fails must fail for the right reason: because it is refused, or because what it aims at is not
// there. An attempt that fails otherwise (a bad argument) proves nothing and counts as allowed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace ebb::container {

// What lies outside, and must stay untouched: the test is the witness.
struct Targets {
  std::string secret;           // absolute path of a file of the host
  std::string mounted;          // a file inside that is mounted read-only
  pid_t outside = 0;            // a process of the host, by its number there
  uint16_t port = 0;            // on which somebody listens on the host's 127.0.0.1
  std::string abstract_socket;  // of the host
  int shared_memory_key = 0;    // of a segment of the host
};

enum class Denial {
  kRefused,  // a rule said no
  kAbsent,   // it is not there
  kEither    // a rule said no, or this kernel was built without it
};

struct Attempt {
  const char* name;
  Denial denial;
  long (*run)(const Targets&);  // zero or more: it worked; less: minus errno
};

struct Outcome {
  std::string name;
  bool denied = false;
  long result = 0;
  std::string line() const;  // "name: denied (…)" or "name: ALLOWED (…)"
};

std::span<const Attempt> attempts_on_files();
std::span<const Attempt> attempts_on_kernel();
std::span<const Attempt> attempts_on_processes();
std::span<const Attempt> attempts_on_network();

// All of the above, those of a worker that was taken over (sandbox/attempts.h) which are refused here too, and sockets of all families.
std::vector<Outcome> try_all(const Targets& targets);

}  // namespace ebb::container
