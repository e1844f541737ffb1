// Makes the package (wire/package.h) of a model in ONNX: its manifest first, the model as it is, then what both name, and nothing else. Everything is
// checked on the way; the same files give the same bytes.
#pragma once

#include <functional>

#include "base/result.h"
#include "domain/model.h"
#include "registry/fetch_protocol.h"
#include "registry/model_files.h"
#include "registry/staged_file.h"

namespace ebb::registry {

// Writes it into `into`, an empty staged file, which is then to be finished and published. `bytes_max`: of the whole package. Errors have param "source"
// (kInvalid, kTooLarge), besides those of reading and writing.
Result<domain::ModelFacts> pack_model(const ModelFiles& files, uint64_t bytes_max, const std::function<void(const FetchProgress&)>& progress, StagedFile& into);

}  // namespace ebb::registry
