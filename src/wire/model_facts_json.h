// What a model's header says, as JSON: the same object in `ebb-fetch`'s result and in the admin API.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "domain/model.h"

namespace ebb::wire {

json::value to_json(const domain::ModelFacts& facts);
// [{"name", "datatype", "shape"}…], as the Open Inference Protocol has them.
json::array to_json(const std::vector<domain::TensorSpec>& specs);

// Every member of its format is required (without "format" it is GGUF), and counts are within their ranges. `path`: where the object stands, for the error's
// param.
Result<domain::ModelFacts> model_facts_from_json(const json::value& value, std::string path);

}  // namespace ebb::wire
