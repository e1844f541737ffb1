// The manifest decides.
#include "engine_onnx/task.h"

#include "engine_onnx/image_task.h"
#include "engine_onnx/text_task.h"

namespace ebb::engine_onnx {

Result<std::unique_ptr<Task>> make_task(const Model& model, int64_t context_tokens) {
  const wire::Manifest& manifest = model.manifest();
  if (const Status fits = wire::check_manifest(manifest, model.inputs(), model.outputs()); !fits) return fail(fits.error());
  switch (manifest.task) {
    case domain::Task::kTensors: return nullptr;
    case domain::Task::kEmbedding:
    case domain::Task::kTextClassification: return make_text_task(model, context_tokens);
    case domain::Task::kImageClassification: return make_image_task(model);
  }
  return nullptr;
}

}  // namespace ebb::engine_onnx
