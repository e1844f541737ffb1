// The model decides.
#include "engine_llama/load_engine.h"

#include "engine_llama/embedding_engine.h"
#include "engine_llama/llama_engine.h"

namespace ebb::engine_llama {

Result<std::unique_ptr<engine::Engine>> load_engine(Fd model, const engine::LoadOptions& options, const engine::Progress& progress) {
  Result<std::unique_ptr<LoadedModel>> loaded = LoadedModel::load(std::move(model), options.prepared, progress, options.log);
  if (!loaded) return fail(loaded.error());
  const bool vectors = (*loaded)->purpose() == Purpose::kVectors;
  return vectors ? EmbeddingEngine::make(std::move(*loaded), options, progress) : LlamaEngine::make(std::move(*loaded), options);
}

}  // namespace ebb::engine_llama
