// Checks of tensors against what the model takes.
#include "engine_onnx/tensor_work.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>
#include <utility>

namespace ebb::engine_onnx {

namespace {

using domain::DataType;
using domain::Tensor;
using domain::TensorSpec;

std::unexpected<Error> wrong_input(std::string what) { return fail(ErrorKind::kInvalid, std::move(what), "inputs"); }

std::string list(std::span<const TensorSpec> specs) {
  std::vector<std::string> words;
  for (const TensorSpec& spec : specs)
    words.push_back(fmt::format("'{}' {}", spec.name, to_string(spec)));
  return words.empty() ? "none" : fmt::format("{}", fmt::join(words, ", "));
}

bool fits(std::span<const int64_t> shape, std::span<const int64_t> wanted) {
  return std::ranges::equal(shape, wanted, [](int64_t is, int64_t must) { return must < 0 || is == must; });
}

// Other bytes in a BOOL are not values that the library's operators expect.
bool are_booleans(std::string_view data) {
  return std::ranges::all_of(data, [](char c) { return c == 0 || c == 1; });
}

Status check_one(const Tensor& tensor, const TensorSpec& spec) {
  if (tensor.head.type != spec.type)
    return wrong_input(fmt::format("input '{}' is {}: the model takes {}", spec.name, to_string(tensor.head.type), to_string(spec)));
  if (!fits(tensor.head.shape, spec.shape))
    return wrong_input(
        fmt::format("input '{}' has the shape [{}]: the model takes {}, where -1 is any size", spec.name, fmt::join(tensor.head.shape, ","), to_string(spec)));
  if (Status sound = domain::check_tensor(tensor); !sound) return sound;
  if (spec.type == DataType::kBool && !are_booleans(tensor.data))
    return wrong_input(fmt::format("input '{}' is BOOL and has bytes that are neither 0 nor 1", spec.name));
  return {};
}

Status check_outputs(const domain::Tensors& tensors, std::span<const TensorSpec> outputs) {
  std::set<std::string_view> seen;
  for (const std::string& name : tensors.outputs) {
    if (std::ranges::count(outputs, name, &TensorSpec::name) == 0)
      return fail(ErrorKind::kInvalid, fmt::format("the model has no output '{}': it has {}", name.substr(0, 100), list(outputs)), "outputs");
    if (!seen.insert(name).second) return fail(ErrorKind::kInvalid, fmt::format("output '{}' is asked for twice", name), "outputs");
  }
  return {};
}

class TensorWork final : public Work {
 public:
  TensorWork(const Model& model, domain::Tensors tensors) : tensors_(std::move(tensors)) {
    bool open = model.has_batches();
    size_.rows = 0;
    for (const Tensor& input : tensors_.inputs) {
      size_.bytes += input.data.size();
      if (input.head.shape.empty() || input.head.shape[0] == 0 || (size_.rows != 0 && input.head.shape[0] != size_.rows)) open = false;
      if (open) size_.rows = input.head.shape[0];
    }
    if (open) size_.kind = kind();
    if (size_.rows == 0) size_.rows = 1;
  }

  Status begin() override { return {}; }
  size_t parts() const override { return 1; }
  PartSize size_of(size_t /*part*/) const override { return size_; }
  Result<std::vector<Tensor>> inputs_of(size_t /*part*/) override { return tensors_.inputs; }
  const std::vector<std::string>& outputs() const override { return tensors_.outputs; }
  Status take(size_t /*part*/, std::vector<Tensor> outputs) override {
    for (Tensor& output : outputs)
      given_.push_back({.kind = engine::StepEvent::Kind::kTensor, .tensor = std::move(output)});
    return {};
  }
  std::vector<engine::StepEvent> give() override { return std::exchange(given_, {}); }

 private:
  std::string kind() const {
    std::string kind = "tensors";
    for (const Tensor& input : tensors_.inputs)
      kind += fmt::format(" [{}]", fmt::join(std::span(input.head.shape).subspan(1), ","));
    return fmt::format("{} {}", kind, fmt::join(tensors_.outputs, " "));
  }

  domain::Tensors tensors_;
  PartSize size_;
  std::vector<engine::StepEvent> given_;
};

}  // namespace

Result<domain::Tensors> check_tensors(domain::Tensors tensors, std::span<const TensorSpec> inputs, std::span<const TensorSpec> outputs) {
  for (const Tensor& tensor : tensors.inputs) {
    if (std::ranges::count(inputs, tensor.head.name, &TensorSpec::name) == 0)
      return wrong_input(fmt::format("the model has no input '{}': it takes {}", tensor.head.name.substr(0, 100), list(inputs)));
  }
  std::vector<Tensor> ordered;
  for (const TensorSpec& spec : inputs) {
    const auto named = [&spec](const Tensor& tensor) { return tensor.head.name == spec.name; };
    const auto found = std::ranges::find_if(tensors.inputs, named);
    if (found == tensors.inputs.end()) return wrong_input(fmt::format("input '{}' is missing: the model takes {}", spec.name, list(inputs)));
    if (std::ranges::count_if(tensors.inputs, named) > 1) return wrong_input(fmt::format("input '{}' comes twice", spec.name));
    if (const Status fine = check_one(*found, spec); !fine) return fail(fine.error());
    ordered.push_back(*found);
  }
  tensors.inputs = std::move(ordered);
  if (const Status fine = check_outputs(tensors, outputs); !fine) return fail(fine.error());
  if (tensors.outputs.empty()) {
    for (const TensorSpec& output : outputs)
      tensors.outputs.push_back(output.name);
  }
  return tensors;
}

Result<std::unique_ptr<Work>> make_tensor_work(const Model& model, const domain::Tensors& tensors) {
  Result<domain::Tensors> checked = check_tensors(tensors, model.inputs(), model.outputs());
  if (!checked) return fail(checked.error());
  return std::make_unique<TensorWork>(model, std::move(*checked));
}

}  // namespace ebb::engine_onnx
