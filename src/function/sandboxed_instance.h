// The instance that a worker program owns: a sandbox of module container.
#pragma once

#include <memory>

#include "domain/function.h"
#include "function/instance.h"

namespace ebb::function {

// Errors: those of container::Sandbox::prepare.
Result<std::unique_ptr<Instance>> prepare_sandboxed(const domain::FunctionStart& start, const container::Runtime& runtime);

}  // namespace ebb::function
