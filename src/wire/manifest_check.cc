// What a model must have for the task of its manifest: inputs that the task fills, all of them, and the output that is looked at.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "wire/manifest.h"

namespace ebb::wire {

namespace {

using domain::Task;
using Specs = std::span<const domain::TensorSpec>;

class ModelCheck {
 public:
  ModelCheck(const Manifest& manifest, Specs inputs, Specs outputs) : manifest_(manifest), inputs_(inputs), outputs_(outputs) {}

  Status run() {
    if (manifest_.tokenizer) check_text();
    if (manifest_.task == Task::kImageClassification) check_image();
    if (manifest_.task != Task::kTensors) check_output();
    if (error_) return fail(*error_);
    return {};
  }

 private:
  void refuse(std::string_view field, std::string message) {
    if (!error_) error_ = Error{.kind = ErrorKind::kInvalid, .message = std::move(message), .param = std::string(field)};
  }
  static std::string names_of(Specs specs) {
    std::vector<std::string_view> names;
    for (const domain::TensorSpec& spec : specs)
      names.emplace_back(spec.name);
    return fmt::format("{}", fmt::join(names, ", "));
  }
  const domain::TensorSpec* find(Specs specs, std::string_view name, std::string_view field, std::string_view what) {
    const auto found = std::ranges::find(specs, name, &domain::TensorSpec::name);
    if (found != specs.end()) return &*found;
    refuse(field, fmt::format("'{}' is '{}', but the model has no {} of this name: it has {}", field, name, what, names_of(specs)));
    return nullptr;
  }
  void check_text_input(std::string_view name, std::string_view field);
  void check_text();
  void check_image();
  void check_output();
  // Every input of the model is one that the manifest fills.
  void check_filled(std::initializer_list<std::string_view> names, std::string_view field);

  const Manifest& manifest_;
  Specs inputs_;
  Specs outputs_;
  std::optional<Error> error_;
};

void ModelCheck::check_filled(std::initializer_list<std::string_view> names, std::string_view field) {
  for (const domain::TensorSpec& spec : inputs_) {
    if (std::ranges::find(names, spec.name) == names.end())
      refuse(field, fmt::format("the model takes '{}' too, which the task does not give it: deploy it as task 'tensors'", spec.name));
  }
}

void ModelCheck::check_text_input(std::string_view name, std::string_view field) {
  if (name.empty()) return;
  const domain::TensorSpec* spec = find(inputs_, name, field, "input");
  if (spec == nullptr) return;
  if ((spec->type != domain::DataType::kInt64 && spec->type != domain::DataType::kInt32) || spec->shape.size() != 2)
    refuse(field, fmt::format("the model's input '{}' is {}: tokens are INT64 or INT32 of two dimensions, texts and tokens", name, to_string(*spec)));
}

void ModelCheck::check_text() {
  check_text_input(manifest_.inputs.tokens, "inputs.tokens");
  check_text_input(manifest_.inputs.mask, "inputs.mask");
  check_text_input(manifest_.inputs.types, "inputs.types");
  check_filled({manifest_.inputs.tokens, manifest_.inputs.mask, manifest_.inputs.types}, "inputs");
}

void ModelCheck::check_image() {
  const ImageInput& image = *manifest_.image;
  const domain::TensorSpec* spec = find(inputs_, image.input, "image.input", "input");
  if (spec == nullptr) return;
  const bool rows_first = image.layout == Layout::kNhwc;
  const std::array<int64_t, 4> wanted = rows_first ? std::array<int64_t, 4>{-1, image.height, image.width, image.channels}
                                                   : std::array<int64_t, 4>{-1, image.channels, image.height, image.width};
  bool fits = spec->type == domain::DataType::kFp32 && spec->shape.size() == wanted.size();
  for (size_t i = 1; fits && i < wanted.size(); ++i)
    fits = spec->shape[i] == -1 || spec->shape[i] == wanted.at(i);
  if (!fits)
    refuse("image",
           fmt::format("the model's input '{}' is {}, but the manifest makes FP32 [{}] of a picture", image.input, to_string(*spec), fmt::join(wanted, ",")));
  check_filled({image.input}, "image.input");
}

void ModelCheck::check_output() {
  const domain::TensorSpec* spec = find(outputs_, manifest_.output, "output", "output");
  if (spec == nullptr) return;
  const bool by_token = manifest_.task == Task::kEmbedding && manifest_.pooling != Pooling::kNone;
  const size_t dimensions = by_token ? 3 : 2;
  if (spec->type == domain::DataType::kFp32 && spec->shape.size() == dimensions) return;
  refuse("output",
         fmt::format("the model's output '{}' is {}: {}", manifest_.output, to_string(*spec),
                     by_token                             ? "a vector for each token is FP32 of three dimensions ('pooling: none' takes one for each text)"
                     : manifest_.task == Task::kEmbedding ? "a vector for each text is FP32 of two dimensions ('pooling: mean' takes one for each token)"
                                                          : "scores are FP32 of two dimensions, items and labels"));
}

}  // namespace

Status check_manifest(const Manifest& manifest, Specs inputs, Specs outputs) { return ModelCheck(manifest, inputs, outputs).run(); }

}  // namespace ebb::wire
