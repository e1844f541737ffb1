// Tensors in, tensors out: a call as the Open Inference Protocol means it.
#pragma once

#include <memory>

#include "base/result.h"
#include "domain/tensor.h"
#include "engine_onnx/model.h"
#include "engine_onnx/work.h"

namespace ebb::engine_onnx {

// The tensors in the model's order. Error kInvalid with param "inputs" or "outputs": one is missing, unknown, of another type or shape than the model takes,
// or its data does not fit its shape.
Result<domain::Tensors> check_tensors(domain::Tensors tensors, std::span<const domain::TensorSpec> inputs, std::span<const domain::TensorSpec> outputs);

// Errors: as above. The model must outlive the work.
Result<std::unique_ptr<Work>> make_tensor_work(const Model& model, const domain::Tensors& tensors);

}  // namespace ebb::engine_onnx
