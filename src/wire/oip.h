// The Open Inference Protocol over HTTP: V2 with Triton's binary tensors, and its predecessor V1 (`:predict`). Pure.
//
// Source: the Open Inference Protocol's specification (2024) and Triton's protocol extensions (binary data, model repository, model configuration,
// classification), read in 2026; V1 as TensorFlow Serving and KServe speak it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/endpoint.h"
#include "domain/tensor.h"
#include "wire/answer.h"
#include "wire/compression.h"

namespace ebb::wire {

// What an endpoint is as one of the protocol's models.
struct OipModel {
  std::string name;
  std::string version;   // of the stored model; "1" without one
  std::string platform;  // "onnxruntime_onnx", "ebb_echo", …
  bool takes_tensors = false;
  std::vector<domain::TensorSpec> inputs;  // empty: not known, any are taken
  std::vector<domain::TensorSpec> outputs;
  bool ready = false;  // an absent one is: its next call starts it
  bool operator==(const OipModel&) const = default;
};
// `failing`: as in invoke::EndpointView.
OipModel oip_model(const domain::Revision& revision, bool failing);

// Error kNotFound: another version than the one that is deployed. An empty one is any.
Status check_version(const OipModel& model, std::string_view version);
// Error kInvalid: the model takes no tensors, or not these, or gives not what is wanted.
Status check_tensors(const OipModel& model, const domain::Tensors& tensors);

// Why it is not ready; empty where it is.
std::string_view unready_reason(const OipModel& model);

// Bodies of GET /v2, …/models/{m}, …/models/{m}/config, and of POST …/repository/index.
std::string oip_server(std::string_view version);
std::string oip_metadata(const OipModel& model);
std::string oip_config(const OipModel& model);
std::string oip_index(std::span<const OipModel> models);
// {"error": "…"}
std::string oip_error(const Error& error);

// The body of POST …/infer, unpacked. `json_bytes`: the header Inference-Header-Content-Length; absent: all of it is JSON. `accepted`: how the answer may
// be packed.
struct InferHead {
  std::optional<size_t> json_bytes;
  Encoding accepted = Encoding::kIdentity;
};
// Errors: kInvalid, kTooLarge, with the path of the field as param.
Result<Asked> ask_infer(std::string_view body, const InferHead& head, const OipModel& model);
// A header's value. Error kInvalid with the header as param.
Result<size_t> parse_json_bytes(std::string_view header);

// The body of POST /v1/models/{m}:predict.
Result<Asked> ask_predict(std::string_view body, const OipModel& model);

// The extension "classification": the `count` largest elements as BYTES "value:index", for each row of the first of several dimensions. Error kInvalid: a
// tensor without numbers that can be read.
Result<domain::Tensor> classify(const domain::Tensor& tensor, int64_t count);

}  // namespace ebb::wire
