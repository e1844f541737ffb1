// A model's inputs and outputs in one column: {"inputs": [["name", "FP32", [-1, 2]]…], "outputs": […]}; empty for models that have none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "domain/tensor.h"

namespace ebb::store {

std::string tensors_to_text(const std::vector<domain::TensorSpec>& inputs, const std::vector<domain::TensorSpec>& outputs);
// False: it is no such text.
bool tensors_from_text(std::string_view text, std::vector<domain::TensorSpec>& inputs, std::vector<domain::TensorSpec>& outputs);

}  // namespace ebb::store
