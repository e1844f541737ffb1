// Words for an end.
#include "function/invoker.h"

namespace ebb::function {

using Why = container::EndOfFunction::Why;

std::string code_of(const container::EndOfFunction& end) {
  switch (end.why) {
    case Why::kOutOfMemory: return "function_out_of_memory";
    case Why::kOutOfPids: return "function_out_of_pids";
    default: return "function_exited";
  }
}

Error error_of(const container::EndOfFunction& end) {
  return {.kind = ErrorKind::kFunction, .message = "the function ended: " + end.detail, .code = code_of(end)};
}

}  // namespace ebb::function
