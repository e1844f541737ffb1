// The task whose items are pictures, and what comes of them labels.
#pragma once

#include <memory>

#include "engine_onnx/task.h"

namespace ebb::engine_onnx {

// For a model whose manifest is of image classification, and was checked against it. Errors: as make_task.
Result<std::unique_ptr<Task>> make_image_task(const Model& model);

}  // namespace ebb::engine_onnx
