// What goes together: rows.
#include "engine_onnx/batch_policy.h"

#include <gtest/gtest.h>

namespace ebb::engine_onnx {
namespace {

TEST(BatchPolicy, TakesWhatFitsToTheFirst) {
  struct Row {
    std::vector<PartSize> waiting;
    std::vector<size_t> chosen;
  };
  const std::vector<Row> rows{
      {{}, {}},
      {{{"a", 1, 10}}, {0}},
      {{{"a", 1, 10}, {"b", 1, 10}, {"a", 1, 10}}, {0, 2}},
      {{{"", 1, 10}, {"", 1, 10}}, {0}},                     // alone
      {{{"a", 3, 10}, {"a", 2, 10}, {"a", 1, 10}}, {0, 2}},  // four rows
      {{{"a", 9, 10}, {"a", 1, 10}}, {0}},                   // too large already
      {{{"a", 1, 60}, {"a", 1, 50}, {"a", 1, 40}}, {0, 2}},  // a hundred bytes
      {{{"a", 1, 1}, {"a", 1, 1}, {"a", 1, 1}, {"a", 1, 1}, {"a", 1, 1}}, {0, 1, 2, 3}},
  };
  for (size_t i = 0; i < rows.size(); ++i)
    EXPECT_EQ(choose_batch(rows[i].waiting, 4, 100), rows[i].chosen) << "row " << i;
}

}  // namespace
}  // namespace ebb::engine_onnx
