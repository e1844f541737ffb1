// Where a server may listen, and what it must have for that. Pure.
#pragma once

#include <string>

#include "base/result.h"

namespace ebb::domain {

struct Listening {
  std::string host;           // as it was asked for
  bool loopback = true;       // whether it is one of this machine's own addresses for itself
  bool tls = false;           // what comes and goes is encrypted here …
  bool behind_proxy = false;  // … or by somebody in front of us, whose peers all look like that one
  bool administered = false;  // every request needs a key, and there is one that may do everything
};

// Whoever is on this machine may use a server that has no keys; nobody else may use one, nor see what passes. Error: kInvalid with what to do.
Status check_listening(const Listening& wanted);

}  // namespace ebb::domain
