// The facts of an image as JSON: between ebb-fetch and the server, in the catalog, and in the admin API. Pure.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "domain/image.h"

namespace ebb::domain {

json::value to_json(const ImageFacts& facts);
// Strict in what it reads, since it may come from a process that handled a stranger's bytes. `path` begins the names of fields in errors.
Result<ImageFacts> image_facts_from_json(const json::value& value, std::string path);

}  // namespace ebb::domain
