// What passes a model's specification, and the sentence for what does not.
#include "domain/tensor_check.h"

#include <gtest/gtest.h>

namespace ebb::domain {
namespace {

using Shape = std::vector<int64_t>;

Tensor tensor(std::string name, DataType type, Shape shape) { return {.head = {.name = std::move(name), .type = type, .shape = std::move(shape)}, .data = {}}; }

const TensorSpec kPixels{.name = "pixels", .type = DataType::kFp32, .shape = {-1, 3, 8}};
const TensorSpec kMask{.name = "mask", .type = DataType::kInt64, .shape = {-1}};

TEST(TensorCheck, Inputs) {
  struct Row {
    std::vector<Tensor> inputs;
    std::string message;  // empty: they pass
  };
  const Tensor pixels = tensor("pixels", DataType::kFp32, {2, 3, 8});
  const Tensor mask = tensor("mask", DataType::kInt64, {5});
  const Row rows[] = {
      {{pixels, mask}, ""},
      {{mask, pixels}, ""},
      {{pixels}, "the input 'mask' is missing: the model takes 'pixels', 'mask'"},
      {{}, "the input 'pixels' is missing: the model takes 'pixels', 'mask'"},
      {{pixels, mask, tensor("x", DataType::kFp32, {})}, "the model has no input 'x': it takes 'pixels', 'mask'"},
      {{tensor("pixels", DataType::kFp64, {2, 3, 8}), mask}, "input 'pixels' has the type FP64, but the model takes FP32"},
      {{tensor("pixels", DataType::kFp32, {3, 8}), mask}, "input 'pixels' has 2 dimensions [3,8], but the model takes 3: [-1,3,8]"},
      {{tensor("pixels", DataType::kFp32, {2, 4, 8}), mask}, "input 'pixels' has the shape [2,4,8], but the model takes [-1,3,8], where -1 is any size"},
      {{tensor("pixels", DataType::kFp32, {0, 3, 8}), mask}, "input 'pixels' is empty: its shape is [0,3,8]"},
  };
  const TensorSpec specs[] = {kPixels, kMask};
  for (const Row& row : rows) {
    const Status checked = check_inputs(specs, row.inputs);
    EXPECT_EQ(checked ? "" : checked.error().message, row.message);
    EXPECT_EQ(checked ? "inputs" : checked.error().param, "inputs");
  }
  EXPECT_TRUE(check_inputs({}, std::vector<Tensor>{tensor("any", DataType::kBytes, {0})})) << "nothing is known, so nothing is wrong";
}

TEST(TensorCheck, Outputs) {
  const TensorSpec specs[] = {kPixels, kMask};
  EXPECT_TRUE(check_outputs(specs, std::vector<std::string>{"mask"}));
  EXPECT_TRUE(check_outputs(specs, {}));
  EXPECT_TRUE(check_outputs({}, std::vector<std::string>{"y"}));
  const Status checked = check_outputs(specs, std::vector<std::string>{"mask", "y"});
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().message, "the model has no output 'y': it gives 'pixels', 'mask'");
}

}  // namespace
}  // namespace ebb::domain
