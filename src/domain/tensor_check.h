// Tensors of a call against what a model takes and gives. Pure.
#pragma once

#include <span>

#include "base/result.h"
#include "domain/tensor.h"

namespace ebb::domain {

// No specs: nothing is known about the model, and everything passes. Error kInvalid, param "inputs": a name that the model does not take, or one that
// is missing; another type, another number of dimensions, another size than a fixed one, or no elements at all.
Status check_inputs(std::span<const TensorSpec> specs, std::span<const Tensor> inputs);

// Error kInvalid, param "outputs": a name that the model does not give.
Status check_outputs(std::span<const TensorSpec> specs, std::span<const std::string> wanted);

}  // namespace ebb::domain
