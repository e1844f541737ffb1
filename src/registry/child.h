// Children of ebb-fetch, one at a time, each confined to its task: programs that are not ours, and our own reading of strangers' bytes.
//
// For the process with one thread that ebb-fetch is. A child ends with ebb-fetch.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "base/time.h"
#include "registry/child_confine.h"

namespace ebb::registry {

// Where `names` are looked for, since ebb-fetch has no environment. Error: kUnavailable, with the package that has it.
Result<std::string> find_program(const std::string& name);

struct ProgramRun {
  std::string path;
  std::vector<std::string> arguments = {};    // without the program's own name
  std::vector<std::string> environment = {};  // all of it
  ChildRights rights = {};
  int input = -1;   // its standard input; -1: nothing
  int output = -1;  // its standard output; -1: nobody reads it
  int extra = -1;   // becomes descriptor kExtraFd
  milliseconds time_max{0};
};
inline constexpr int kExtraFd = 9;

struct ProgramEnd {
  int status = 0;                           // as of waitpid
  std::string said;                         // the end of its standard error
  std::vector<std::string> missing_layers;  // of its confinement
};
// `look` is called several times a second with the bytes that it has written so far; an error from it ends the child and is returned.
Result<ProgramEnd> run_program(const ProgramRun& run, const std::function<Status(uint64_t written)>& look);

struct TaskEnd {
  json::value result;
  std::vector<std::string> missing_layers;
};
// Runs `task` in a child. Its result comes back as JSON, which the caller reads as a stranger's. Error: the task's own; kCorrupt if the child
// died of what it read.
// `beat` is called about every second meanwhile.
Result<TaskEnd> run_task(const ChildRights& rights, const std::function<Result<json::value>()>& task, const std::function<void()>& beat = {});

}  // namespace ebb::registry
