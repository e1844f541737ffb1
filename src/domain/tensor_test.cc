// Rows for types, shapes and data of tensors.
#include "domain/tensor.h"

#include <gtest/gtest.h>

#include "domain/limits.h"

namespace ebb::domain {
namespace {

TEST(DataTypes, EveryWordIsReadAsItIsWritten) {
  for (int i = 0; i < kDataTypes; ++i) {
    const auto type = static_cast<DataType>(i);
    EXPECT_EQ(parse_data_type(to_string(type)), type);
  }
  EXPECT_EQ(element_bytes(DataType::kFp16), 2U);
  EXPECT_EQ(element_bytes(DataType::kBytes), 0U);
  for (const char* word : {"fp32", "FLOAT", "", "FP32 ", "STRING"}) {
    const auto wrong = parse_data_type(word);
    ASSERT_FALSE(wrong) << word;
    EXPECT_NE(wrong.error().message.find("BF16"), std::string::npos);
  }
}

TEST(ElementCount, IsTheProductWithinBounds) {
  struct Row {
    std::vector<int64_t> shape;
    int64_t count;  // -1: refused
  };
  for (const Row& row : std::vector<Row>{{{}, 1},
                                         {{0}, 0},
                                         {{3}, 3},
                                         {{2, 3, 4}, 24},
                                         {{1LL << 40U, 0}, -1},
                                         {{0, 5}, 0},
                                         {{-1}, -1},
                                         {{1LL << 31U, 1LL << 31U}, -1},
                                         {{INT64_MAX, INT64_MAX}, -1},
                                         {std::vector<int64_t>(kTensorDimensionsMax, 1), 1},
                                         {std::vector<int64_t>(kTensorDimensionsMax + 1, 1), -1}}) {
    const auto count = element_count(row.shape);
    EXPECT_EQ(count.value_or(-1), row.count);
  }
}

TEST(CheckTensor, BytesAgreeWithTheShape) {
  const std::string two = std::string("\x01\0\0\0a\0\0\0\0", 9);
  struct Row {
    DataType type;
    std::vector<int64_t> shape;
    std::string data;
    bool good;
  };
  for (const Row& row : std::vector<Row>{{DataType::kFp32, {2}, std::string(8, 'x'), true},
                                         {DataType::kFp32, {2}, std::string(7, 'x'), false},
                                         {DataType::kFp32, {2}, std::string(9, 'x'), false},
                                         {DataType::kInt64, {}, std::string(8, 'x'), true},
                                         {DataType::kInt64, {0, 3}, "", true},
                                         {DataType::kBytes, {2}, two, true},
                                         {DataType::kBytes, {1}, two, false},
                                         {DataType::kBytes, {2}, two.substr(0, 8), false},
                                         {DataType::kBytes, {1}, std::string("\xff\xff\xff\xff", 4), false},
                                         {DataType::kBytes, {0}, "", true},
                                         {DataType::kFp32, {-2}, "", false}}) {
    const auto checked = check_tensor({.head = {.name = "x", .type = row.type, .shape = row.shape}, .data = row.data});
    EXPECT_EQ(checked.has_value(), row.good) << to_string(row.type);
    EXPECT_TRUE(checked.has_value() || checked.error().message.starts_with("tensor 'x': "));
  }
}

}  // namespace
}  // namespace ebb::domain
