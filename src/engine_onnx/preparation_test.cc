// What is prepared gives the same answers, and is used only where it fits.
#include "engine_onnx/preparation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine_onnx/engine_for_test.h"
#include "engine_onnx/models_for_test.h"
#include "io/folder_for_test.h"

namespace ebb::engine_onnx::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

class Preparation : public testing::Test {
 protected:
  // The bytes of what is made of the package; "" and the error if nothing is.
  std::string prepared(std::string_view package) {
    init_library_once();
    const Fd out = file_with("");
    const Result<uint64_t> bytes = prepare(package, folder_.path() / "scratch", out.get());
    error_ = bytes ? "" : bytes.error().message;
    return bytes ? contents("/proc/self/fd/" + std::to_string(out.get())) : "";
  }

  io::FolderForTest folder_;
  std::string error_;
};

domain::Tensors row() { return {.inputs = {tensor<float>("x", DataType::kFp32, {1, 2}, {1, 1})}}; }

TEST_F(Preparation, AnswersAreTheSame) {
  const std::string source = package(matmul());
  const std::string made = prepared(source);
  ASSERT_FALSE(made.empty()) << error_;
  std::string log;
  const Fd file = file_with(made);
  auto engine = load(source, 2, 1, file.get(), &log);
  ASSERT_TRUE(engine) << engine.error().message;
  EXPECT_THAT(log, IsEmpty());
  EXPECT_THAT(floats_of(ask(**engine, row()).tensors.at(0)), testing::ElementsAre(4, 6));
  (*engine)->set_threads(2);
  EXPECT_THAT(floats_of(ask(**engine, row()).tensors.at(0)), testing::ElementsAre(4, 6));
}

TEST_F(Preparation, WhatDoesNotFitIsNotUsed) {
  const std::string source = package(matmul());
  const std::string made = prepared(source);
  const std::string other = prepared(package(matmul("batch", 1)));
  ASSERT_FALSE(made.empty() || other.empty());
  std::string elsewhere = made;
  elsewhere.replace(elsewhere.find("ort1."), 5, "ort0.");
  std::string broken = made;
  std::fill(broken.begin() + 1536, broken.begin() + 1600, '\x55');
  struct Row {
    std::string prepared;
    std::string says;
  };
  const std::vector<Row> rows{{made.substr(0, made.size() - 512), "does not fit"},
                              {"", "does not fit"},
                              {other, "another model"},
                              {elsewhere, "it was made for"},
                              {broken, "cannot be used"}};
  for (const Row& row_of : rows) {
    std::string log;
    const Fd file = file_with(row_of.prepared);
    const auto engine = load(source, 2, 1, file.get(), &log);
    ASSERT_TRUE(engine) << row_of.says;
    EXPECT_THAT(log, HasSubstr(row_of.says));
    EXPECT_THAT(floats_of(ask(**engine, row()).tensors.at(0)), testing::ElementsAre(4, 6));
  }
}

TEST_F(Preparation, WhatIsNoModelIsNotPrepared) {
  EXPECT_EQ(prepared(package("no model")), "");
  EXPECT_FALSE(error_.empty());
  EXPECT_EQ(prepared("no package"), "");
}

TEST_F(Preparation, ASentenceModelKeepsItsVectors) {
  if (!is_there("sentences")) GTEST_SKIP() << "no sentence model in " EBB_ONNX_MODELS;
  const std::string source = package_of("sentences");
  const Fd file = file_with(prepared(source));
  std::string log;
  const auto quick = load(source, 2, 1, file.get(), &log);
  ASSERT_TRUE(quick) << quick.error().message;
  EXPECT_THAT(log, IsEmpty());
  domain::Texts texts;
  texts.inputs = {{.text = "The cat sits on the mat."}};
  const std::vector<float> first = ask(**quick, texts).vectors.at(0);
  const std::vector<float> second = ask(*loaded(source), texts).vectors.at(0);
  ASSERT_EQ(first.size(), second.size());
  for (size_t i = 0; i < first.size(); ++i)
    EXPECT_NEAR(first[i], second[i], 1e-5);
}

}  // namespace
}  // namespace ebb::engine_onnx::test
