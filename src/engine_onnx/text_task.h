// Tasks whose items are texts: vectors of them, and labels for them.
//
// Each text is padded by its own length alone, and only texts that are then equally long go through the model together: what one becomes does not depend on
// what others ask at the same time.
#pragma once

#include <memory>

#include "engine_onnx/task.h"

namespace ebb::engine_onnx {

// For a model whose manifest is of embedding or text classification, and was checked against it. Errors: as make_task.
Result<std::unique_ptr<Task>> make_text_task(const Model& model, int64_t context_tokens);

}  // namespace ebb::engine_onnx
