// The public models that `make setup` brings, as packages. Skip where they were not fetched.
#pragma once

#include <unistd.h>

#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "engine_onnx/onnx_for_test.h"
#include "wire/manifest.h"

namespace ebb::engine_onnx::test {

inline std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
inline std::string folder_of(const std::string& name) { return EBB_ONNX_MODELS "/" + name; }
inline bool is_there(const std::string& name) { return ::access((folder_of(name) + "/ebb.yaml").c_str(), R_OK) == 0; }

// As `ebb model add` makes one of the folder.
inline std::string package_of(const std::string& name) {
  const Result<wire::Manifest> read = wire::parse_manifest_yaml(contents(folder_of(name) + "/ebb.yaml"));
  if (!read) return read.error().message;
  wire::Manifest manifest = *read;
  std::map<std::string, std::string> files;
  if (!manifest.labels.empty()) files[manifest.labels] = contents(folder_of(name) + "/" + manifest.labels);
  if (manifest.tokenizer && manifest.tokenizer->vocabulary == "tokenizer.json") {
    const Result<wire::ConvertedTokenizer> converted = wire::convert_tokenizer_json(contents(folder_of(name) + "/tokenizer.json"));
    if (!converted) return converted.error().message;
    manifest.tokenizer->vocabulary = converted->tokenizer.vocabulary;
    files[manifest.tokenizer->vocabulary] = converted->vocabulary;
  } else if (manifest.tokenizer) {
    files[manifest.tokenizer->vocabulary] = contents(folder_of(name) + "/" + manifest.tokenizer->vocabulary);
  }
  return package(contents(folder_of(name) + "/model.onnx"), wire::canonical_manifest(manifest), files);
}

}  // namespace ebb::engine_onnx::test
