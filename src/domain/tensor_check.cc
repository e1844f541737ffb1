// Each input against its specification, with the sentence that names both sides.
#include "domain/tensor_check.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

namespace ebb::domain {

namespace {

std::string names_of(std::span<const TensorSpec> specs) {
  std::string out;
  for (const TensorSpec& spec : specs)
    out += fmt::format("{}'{}'", out.empty() ? "" : ", ", spec.name);
  return out;
}

const TensorSpec* find(std::span<const TensorSpec> specs, std::string_view name) {
  const auto found = std::ranges::find(specs, name, &TensorSpec::name);
  return found == specs.end() ? nullptr : &*found;
}

bool fits(const std::vector<int64_t>& shape, const std::vector<int64_t>& wanted) {
  return std::ranges::equal(shape, wanted, [](int64_t have, int64_t want) { return want < 0 || have == want; });
}

Status check_input(const TensorSpec& spec, const TensorHead& head) {
  const auto wrong = [](std::string message) { return fail(ErrorKind::kInvalid, std::move(message), "inputs"); };
  if (head.type != spec.type)
    return wrong(fmt::format("input '{}' has the type {}, but the model takes {}", head.name, to_string(head.type), to_string(spec.type)));
  if (head.shape.size() != spec.shape.size())
    return wrong(fmt::format("input '{}' has {} dimensions [{}], but the model takes {}: [{}]", head.name, head.shape.size(), fmt::join(head.shape, ","),
                             spec.shape.size(), fmt::join(spec.shape, ",")));
  if (!fits(head.shape, spec.shape))
    return wrong(fmt::format("input '{}' has the shape [{}], but the model takes [{}]{}", head.name, fmt::join(head.shape, ","), fmt::join(spec.shape, ","),
                             std::ranges::count(spec.shape, -1) > 0 ? ", where -1 is any size" : ""));
  if (std::ranges::count(head.shape, 0) > 0) return wrong(fmt::format("input '{}' is empty: its shape is [{}]", head.name, fmt::join(head.shape, ",")));
  return {};
}

}  // namespace

Status check_inputs(std::span<const TensorSpec> specs, std::span<const Tensor> inputs) {
  if (specs.empty()) return {};
  for (const Tensor& input : inputs) {
    const TensorSpec* spec = find(specs, input.head.name);
    if (spec == nullptr) return fail(ErrorKind::kInvalid, fmt::format("the model has no input '{}': it takes {}", input.head.name, names_of(specs)), "inputs");
    if (Status checked = check_input(*spec, input.head); !checked) return checked;
  }
  for (const TensorSpec& spec : specs) {
    const bool there = std::ranges::any_of(inputs, [&](const Tensor& input) { return input.head.name == spec.name; });
    if (!there) return fail(ErrorKind::kInvalid, fmt::format("the input '{}' is missing: the model takes {}", spec.name, names_of(specs)), "inputs");
  }
  return {};
}

Status check_outputs(std::span<const TensorSpec> specs, std::span<const std::string> wanted) {
  if (specs.empty()) return {};
  for (const std::string& name : wanted) {
    if (find(specs, name) == nullptr)
      return fail(ErrorKind::kInvalid, fmt::format("the model has no output '{}': it gives {}", name, names_of(specs)), "outputs");
  }
  return {};
}

}  // namespace ebb::domain
