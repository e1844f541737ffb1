// Load, check, write.
#include "engine_llama/layout_preparation.h"

#include <fmt/format.h>

#include "engine_llama/layout_check.h"
#include "engine_llama/loaded_model.h"
#include "engine_llama/weight_layout.h"

namespace ebb::engine_llama {

Result<uint64_t> prepare_layout(Fd model, int to) {
  const Result<std::string> mark = model_mark(model.get());
  if (!mark) return fail(mark.error());
  LayoutRecorder recorder;
  const Result<std::unique_ptr<LoadedModel>> loaded = LoadedModel::load_anew(std::move(model));
  if (!loaded) return fail(loaded.error());
  recorder.stop();
  if (!recorder.something()) return write_no_layout(to, *mark, "the engine has no other layout for these weights on this processor");
  // What gives vectors computes each text in the same batch always.
  const Result<std::string> differs = (*loaded)->purpose() == Purpose::kText ? difference(**loaded) : Result<std::string>();
  if (!differs) return fail(differs.error());
  if (!differs->empty()) return write_no_layout(to, *mark, fmt::format("in the engine's other layout {}", *differs));
  const Result<bool> alike = (*loaded)->purpose() == Purpose::kText ? tokens_alike(**loaded) : Result<bool>(false);
  if (!alike) return fail(alike.error());
  return recorder.write(to, *mark, *alike);
}

}  // namespace ebb::engine_llama
