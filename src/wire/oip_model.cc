// An endpoint as the protocol's clients see it.
#include <fmt/format.h>

#include "base/json.h"
#include "domain/tensor_check.h"
#include "wire/oip.h"

namespace ebb::wire {

namespace {

std::string platform_of(domain::Engine engine) {
  switch (engine) {
    case domain::Engine::kOnnx: return "onnxruntime_onnx";  // as Triton calls it: clients look for it
    case domain::Engine::kLlama:
    case domain::Engine::kEcho:
    case domain::Engine::kContainer: break;
  }
  return fmt::format("ebb_{}", domain::to_string(engine));
}

json::array sizes(const std::vector<int64_t>& shape) { return json::array(shape.begin(), shape.end()); }

json::array metadata_of(const std::vector<domain::TensorSpec>& specs) {
  json::array out;
  for (const domain::TensorSpec& spec : specs)
    out.push_back(json::object{{"name", spec.name}, {"datatype", domain::to_string(spec.type)}, {"shape", sizes(spec.shape)}});
  return out;
}

json::array config_of(const std::vector<domain::TensorSpec>& specs) {
  json::array out;
  for (const domain::TensorSpec& spec : specs) {
    const std::string type = spec.type == domain::DataType::kBytes ? "TYPE_STRING" : fmt::format("TYPE_{}", domain::to_string(spec.type));
    out.push_back(json::object{{"name", spec.name}, {"data_type", type}, {"dims", sizes(spec.shape)}});
  }
  return out;
}

}  // namespace

OipModel oip_model(const domain::Revision& revision, bool failing) {
  const domain::Engine engine = revision.spec.engine;
  OipModel model{.name = revision.spec.name,
                 .version = "1",
                 .platform = platform_of(engine),
                 .takes_tensors = engine == domain::Engine::kEcho || engine == domain::Engine::kOnnx,
                 .inputs = {},
                 .outputs = {},
                 .ready = !failing};
  if (revision.model) {
    model.version = std::to_string(revision.model->version);
    model.inputs = revision.model->facts.inputs;
    model.outputs = revision.model->facts.outputs;
  }
  return model;
}

Status check_version(const OipModel& model, std::string_view version) {
  if (version.empty() || version == model.version) return {};
  return fail(ErrorKind::kNotFound, fmt::format("'{}' has no version '{}': the one that is deployed is {}", model.name, version.substr(0, 40), model.version),
              "version");
}

Status check_tensors(const OipModel& model, const domain::Tensors& tensors) {
  if (!model.takes_tensors) return fail(ErrorKind::kInvalid, fmt::format("'{}' takes no tensors: its platform is {}", model.name, model.platform), "inputs");
  if (Status checked = domain::check_inputs(model.inputs, tensors.inputs); !checked) return checked;
  return domain::check_outputs(model.outputs, tensors.outputs);
}

std::string_view unready_reason(const OipModel& model) { return model.ready ? "" : "its workers fail: `ebb why` and `ebb logs` say how"; }

std::string oip_server(std::string_view version) {
  return json::serialize(json::object{{"name", "ebb"},
                                      {"version", version},
                                      {"extensions", json::array{"binary_tensor_data", "classification", "model_configuration", "model_repository"}}}) +
         "\n";
}

std::string oip_metadata(const OipModel& model) {
  return json::serialize(json::object{{"name", model.name},
                                      {"versions", json::array{model.version}},
                                      {"platform", model.platform},
                                      {"inputs", metadata_of(model.inputs)},
                                      {"outputs", metadata_of(model.outputs)}}) +
         "\n";
}

std::string oip_config(const OipModel& model) {
  return json::serialize(json::object{{"name", model.name},
                                      {"platform", model.platform},
                                      {"max_batch_size", 0},  // shapes are whole: the batch is one of their dimensions
                                      {"input", config_of(model.inputs)},
                                      {"output", config_of(model.outputs)}}) +
         "\n";
}

std::string oip_index(std::span<const OipModel> models) {
  json::array out;
  for (const OipModel& model : models) {
    out.push_back(
        json::object{{"name", model.name}, {"version", model.version}, {"state", model.ready ? "READY" : "UNAVAILABLE"}, {"reason", unready_reason(model)}});
  }
  return json::serialize(out) + "\n";
}

std::string oip_error(const Error& error) { return json::serialize(json::object{{"error", error.message}}); }

}  // namespace ebb::wire
