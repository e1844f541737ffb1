// What one call asks of the model, in parts: each part is one run of the model, or some rows of a run that it shares with others.
//
// A call of a hundred texts has a hundred parts, one of tensors has one. A Work belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/call.h"
#include "engine/engine.h"
#include "engine_onnx/batch_policy.h"

namespace ebb::engine_onnx {

class Work {
 public:
  virtual ~Work() = default;

  // Once, before all else: what takes time, such as cutting texts into tokens. Error: the call cannot be answered.
  virtual Status begin() = 0;
  virtual int64_t prompt_tokens() const { return 0; }
  virtual size_t parts() const = 0;
  virtual PartSize size_of(size_t part) const = 0;
  // The model's inputs in its order, and the outputs that the part needs.
  virtual Result<std::vector<domain::Tensor>> inputs_of(size_t part) = 0;
  virtual const std::vector<std::string>& outputs() const = 0;
  // The outputs in the order of outputs(). Each part once, in any order.
  virtual Status take(size_t part, std::vector<domain::Tensor> outputs) = 0;
  // What the caller can be given since the last time, in the order that the call wants.
  virtual std::vector<engine::StepEvent> give() = 0;
};

}  // namespace ebb::engine_onnx
