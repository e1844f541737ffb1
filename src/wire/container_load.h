// The start of a container function as the body of Load. Pure.
//
// Both ends check: the server makes it of what owners and images say, the worker runs a runtime with what it reads here.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "domain/function.h"

namespace ebb::wire {

struct ContainerLoad {
  domain::FunctionStart start;
  int slots = 0;  // 0: prepare the sandbox and run nothing yet
};

// Error kInvalid: what of the start breaks a bound or is not of its form; param names the field.
Status check_function_start(const domain::FunctionStart& start);

std::string encode_container_load(const domain::FunctionStart& start, int slots);
// Error kCorrupt: it does not parse, is no container's, or fails check_function_start.
Result<ContainerLoad> decode_container_load(std::string_view body);

}  // namespace ebb::wire
