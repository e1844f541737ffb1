// The manifest decides.
#include "engine_onnx/task.h"

namespace ebb::engine_onnx {

Result<std::unique_ptr<Task>> make_task(const Model& model, int64_t context_tokens) {
  (void)model;
  (void)context_tokens;
  return nullptr;
}

}  // namespace ebb::engine_onnx
