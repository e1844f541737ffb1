// An endpoint's specification in a file, with the lines of its fields, so that what is wrong can be pointed at.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "domain/endpoint.h"
#include "wire/spec.h"

namespace ebb::cli {

struct SpecFile {
  std::string path;
  json::object spec;
  std::map<std::string, int, std::less<>> lines;  // by the path of a field
};

// YAML or JSON, at most kSpecBytesMax. Error: of the command line, with the file, and the line and column where its form is wrong.
Result<SpecFile> read_spec_file(const std::string& path);

// What it says, with a source of a model or image taken as the name of one. Error: of the command line, at its line.
Result<domain::EndpointSpec> parse_spec_file(const SpecFile& file);

// The error with "FILE, line N: " before it where the field that it names, or one around it, is in the file; else as it is.
Error at_line(const SpecFile& file, Error error);

}  // namespace ebb::cli
