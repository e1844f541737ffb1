// What a model's package says that it is for, as the calls that it then answers.
#pragma once

#include <memory>

#include "base/result.h"
#include "domain/call.h"
#include "engine_onnx/model.h"
#include "engine_onnx/work.h"

namespace ebb::engine_onnx {

class Task {
 public:
  virtual ~Task() = default;
  // Error kInvalid: it is no call for this task, or one of its fields cannot be.
  virtual Result<std::unique_ptr<Work>> work_for(const domain::Call& call) const = 0;
};

// nullptr: the model takes and gives tensors only. The model must outlive the task, and the task its works. Errors kCorrupt: a file is missing or wrong, or the
// manifest and the model do not fit together.
Result<std::unique_ptr<Task>> make_task(const Model& model, int64_t context_tokens);

}  // namespace ebb::engine_onnx
