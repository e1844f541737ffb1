// The tables of attempts (attempts.h) and what they share. Constants that this machine's headers may lack are written as numbers.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <span>

#include "sandbox/attempts.h"

namespace ebb::sandbox {

struct Attempt {
  const char* name;
  long (*run)(const Scene&);
  Since refused = Since::kSealed;
};

std::span<const Attempt> attempts_on_files();
std::span<const Attempt> attempts_on_processes();
std::span<const Attempt> attempts_on_the_kernel();
std::span<const Attempt> attempts_to_undo();

template <class... Arguments>
long call(long number, Arguments... arguments) {
  const long result = ::syscall(number, arguments...);
  return result < 0 ? -errno : result;
}

// For calls that return twice.
inline long in_two(long result) {
  if (result == 0) ::_exit(0);
  return result;
}

}  // namespace ebb::sandbox
