// The llama engine for whatever a model file is for: text or vectors.
#pragma once

#include "engine/engine.h"

namespace ebb::engine_llama {

// An engine::Loader; init_backend must have been called. Errors: of LoadedModel::load and of the engines' make.
Result<std::unique_ptr<engine::Engine>> load_engine(Fd model, const engine::LoadOptions& options, const engine::Progress& progress);

}  // namespace ebb::engine_llama
