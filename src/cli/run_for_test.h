// For tests: a whole command line against a stub server, in this process.
#pragma once

#include <string>
#include <vector>

#include "cli/output.h"
#include "io/clock.h"

namespace ebb::cli {

struct Ran {
  int code = -1;
  std::string out;
  std::string err;
};

struct RunSettings {
  std::string server;                       // for --server by way of EBB_URL
  std::string input = {};                   // of stdin, when `in` is not given
  int in = -1;                              // borrowed
  Output::Kind kind = Output::Kind::kPipe;  // of stdout and stderr
  int out = -1;                             // borrowed; nothing is collected then
};

// `ebb ARGS…` at FakeClock's first moment, 2023-11-14 22:13:20 UTC, in that zone.
Ran run_for_test(const RunSettings& settings, const std::vector<std::string>& args);

}  // namespace ebb::cli
