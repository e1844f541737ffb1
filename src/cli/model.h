// Adding a model, for `ebb model add` and for `ebb deploy` with a file.
#pragma once

#include <string>

#include "cli/server.h"
#include "domain/model.h"

namespace ebb::cli {

// A URL, or something that can only be a file: it has a slash, or is a file that ends in .gguf.
bool is_model_source(const std::string& text);

// `source` is a path, or a URL with an optional "#sha256=…". Shows progress on stderr. Error: of the command line (nothing was sent), or the
// server's.
Result<domain::Model> add_model_from(Context& context, Server& server, const std::string& name, const std::string& source);

// "smol@1: SmolLM2 135M Instruct, llama, 134.5 M parameters, Q4_1, 93.8 MiB, context 8192".
std::string describe(const domain::Model& model);

}  // namespace ebb::cli
