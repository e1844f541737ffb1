// Our own strict reader of ONNX models (ModelProto): a model passes before it is packed, or is refused with what is wrong and at which byte. The library
// parses the file again, inside its worker.
//
// Held: the encoding (registry/proto_cursor.h); versions that the library has; operators of the domains "", ai.onnx, ai.onnx.ml and com.microsoft;
// graphs whose nodes take only what an input, an initializer or an earlier node gives, so without cycles; each name given once; weights whose bytes are
// what type and shape ask for, inside the model or inside a file beside it that is named plainly; inputs and outputs that a call can carry.
// Refused as a whole: functions of the model's own, training, sparse weights. Not looked at: the weights themselves, and what operators do.
//
// Pure. All errors are kInvalid with param "source". Memory used is proportional to the number of names, which is capped.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "base/result.h"
#include "domain/model.h"

namespace ebb::registry {

// Protobuf's own bound: larger models have their weights in files beside them.
inline constexpr uint64_t kOnnxModelBytesMax = (2ULL << 30U) - 1;
// What ONNX Runtime 1.28 loads.
inline constexpr uint64_t kOnnxIrMin = 3;
inline constexpr uint64_t kOnnxIrMax = 13;
inline constexpr uint64_t kOnnxOpsetMin = 7;
inline constexpr uint64_t kOnnxOpsetMax = 26;
inline constexpr uint64_t kOnnxMlOpsetMax = 5;
inline constexpr uint64_t kOnnxMicrosoftOpsetMax = 1;
// Large language models, unrolled, have some ten thousand nodes and a few thousand weights.
inline constexpr size_t kOnnxNodesMax = 500'000;
inline constexpr size_t kOnnxNamesMax = 1'000'000;  // of initializers, inputs and what nodes give
inline constexpr size_t kOnnxNameBytesMax = 1'024;
inline constexpr int kOnnxDepthMax = 16;  // of graphs in nodes; loops in branches in loops take 3

// A file beside the model that weights are read from.
struct OnnxExternal {
  uint64_t bytes_min = 0;  // what its size must reach
  std::string user;        // an initializer that reaches so far
  uint64_t at = 0;         // where the model says so
};

struct OnnxModel {
  domain::ModelFacts facts;  // weights_bytes is 0: the package's size is not known here
  std::map<std::string, OnnxExternal, std::less<>> external;
};

Result<OnnxModel> read_onnx(std::span<const uint8_t> model);

// Whether it is meant as an ONNX model, so that errors speak of one: it begins with a field that a ModelProto has. `head` is the file's beginning.
bool looks_like_onnx(std::span<const uint8_t> head, uint64_t file_bytes);

// One that weights claim and the file beside it has not.
Error external_too_short(const std::string& name, const OnnxExternal& wanted, uint64_t bytes);

}  // namespace ebb::registry
