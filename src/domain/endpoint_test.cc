// Names, and what a revision fills in.
#include "domain/endpoint.h"

#include <gtest/gtest.h>

#include "domain/limits.h"

namespace ebb::domain {
namespace {

Model model(int64_t train_context = 8192) {
  Model model{.name = "smol", .version = 1};
  model.facts = {.weights_bytes = 98ULL << 20U, .train_context = train_context, .kv_bytes_per_token = 23'040};
  return model;
}

TEST(IsName, Rows) {
  for (const char* good : {"a", "0", "chat", "my-model.v2_x"})
    EXPECT_TRUE(is_name(good)) << good;
  for (const char* bad : {"", "-a", ".a", "_a", "A", "a b", "a/b", "ä", "a\n"})
    EXPECT_FALSE(is_name(bad)) << bad;
  EXPECT_TRUE(is_name(std::string(63, 'a')));
  EXPECT_FALSE(is_name(std::string(64, 'a')));
}

TEST(MakeRevision, TakesTheModelsContextUpToTheAutomaticOne) {
  EXPECT_EQ(make_revision({}, {.name = "e"}, model(8192), {})->context_tokens, kContextAuto);
  EXPECT_EQ(make_revision({}, {.name = "e"}, model(2048), {})->context_tokens, 2048);
  EXPECT_EQ(make_revision({}, {.name = "e", .context_tokens = 8192}, model(8192), {})->context_tokens, 8192);
}

TEST(MakeRevision, TextsForVectorsAreShorterAndTakeMemoryByTheirWidth) {
  Model sentences = model(8192);
  sentences.facts.pooling = "mean";
  sentences.facts.width = 1024;
  sentences.facts.kv_bytes_per_token = 0;
  const auto revision = make_revision({}, {.name = "e"}, sentences, {});
  EXPECT_EQ(revision->context_tokens, kContextAutoOfVectors);
  EXPECT_GE(revision->slot_bytes(), 100ULL << 20U);
  EXPECT_EQ(make_revision({}, {.name = "e", .context_tokens = 8192}, sentences, {})->context_tokens, 8192);
}

TEST(MakeRevision, RefusesAContextThatTheModelWasNotMadeFor) {
  const auto revision = make_revision({}, {.name = "e", .context_tokens = 8193}, model(8192), {});
  ASSERT_FALSE(revision);
  EXPECT_EQ(revision.error().param, "context");
  EXPECT_FALSE(make_revision({}, {.name = "e"}, model(0), {}));
}

TEST(MakeRevision, BoundsTheSlotsThatGenerateText) {
  EXPECT_TRUE(make_revision({}, {.name = "e", .scaling = {.max = kTextSlotsMax}}, model(8192), {}));
  const auto revision = make_revision({}, {.name = "e", .scaling = {.max = kTextSlotsMax + 1}}, model(8192), {});
  ASSERT_FALSE(revision);
  EXPECT_EQ(revision.error().param, "scaling.max");
  EXPECT_TRUE(make_revision({}, {.name = "e", .engine = Engine::kEcho, .scaling = {.max = kSlotsPerWorkerMax}}, std::nullopt, {}));
}

TEST(MakeRevision, EstimatesMemoryUnlessItIsGiven) {
  const auto estimated = make_revision({}, {.name = "e"}, model(), {});
  const int64_t needed = 98 + 64 + (23'040 * 4096 >> 20) + 4;
  EXPECT_GE(estimated->memory_mib, needed);
  EXPECT_LT(estimated->memory_mib, needed + 65);
  EXPECT_EQ(make_revision({}, {.name = "e", .memory_mib = 512}, model(), {})->memory_mib, 512);
}

Model onnx(Task task, std::vector<TensorSpec> inputs, int64_t train_context = 0) {
  Model model{.name = "m", .version = 1};
  model.facts.format = ModelFormat::kOnnx;
  model.facts.task = task;
  model.facts.weights_bytes = 90ULL << 20U;
  model.facts.train_context = train_context;
  model.facts.inputs = std::move(inputs);
  return model;
}

TEST(MakeRevision, TheModelsFormatChoosesTheEngine) {
  const Model tensors = onnx(Task::kTensors, {});
  EXPECT_EQ(make_revision({}, {.name = "e"}, tensors, {})->spec.engine, Engine::kOnnx);
  EXPECT_EQ(make_revision({}, {.name = "e", .engine = Engine::kOnnx}, tensors, {})->spec.engine, Engine::kOnnx);
  EXPECT_EQ(make_revision({}, {.name = "e"}, model(8192), {})->spec.engine, Engine::kLlama);
  const auto other = make_revision({}, {.name = "e", .engine = Engine::kOnnx}, model(8192), {});
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().param, "engine");
}

TEST(MakeRevision, OnlyTextsHaveAContext) {
  EXPECT_EQ(make_revision({}, {.name = "e"}, onnx(Task::kTensors, {}), {})->context_tokens, 0);
  EXPECT_EQ(make_revision({}, {.name = "e"}, onnx(Task::kImageClassification, {}), {})->context_tokens, 0);
  for (const Task task : {Task::kTensors, Task::kImageClassification}) {
    const auto refused = make_revision({}, {.name = "e", .context_tokens = 128}, onnx(task, {}), {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().param, "context");
    EXPECT_NE(refused.error().message.find("takes no text"), std::string::npos);
  }
  for (const Task task : {Task::kEmbedding, Task::kTextClassification}) {
    EXPECT_EQ(make_revision({}, {.name = "e"}, onnx(task, {}, 8192), {})->context_tokens, 8192);
    EXPECT_EQ(make_revision({}, {.name = "e", .context_tokens = 128}, onnx(task, {}, 256), {})->context_tokens, 128);
    EXPECT_FALSE(make_revision({}, {.name = "e", .context_tokens = 257}, onnx(task, {}, 256), {}));
  }
}

TEST(MakeRevision, MemoryOfAModelInOnnxFollowsItsInputs) {
  constexpr int64_t kMib = 1 << 20;
  const auto slot_mib = [](std::vector<TensorSpec> inputs) {
    return static_cast<int64_t>(make_revision({}, {.name = "e"}, onnx(Task::kTensors, std::move(inputs)), {})->slot_bytes()) / kMib;
  };
  EXPECT_EQ(slot_mib({}), 16);
  EXPECT_EQ(slot_mib({{"x", DataType::kFp32, {1, 3, 224, 224}}}), 36);
  EXPECT_EQ(slot_mib({{"x", DataType::kFp32, {-1, 3, -1, -1}}}), 48);
  EXPECT_EQ(slot_mib({{"x", DataType::kBytes, {}}}), 16);
  EXPECT_EQ(slot_mib({{"x", DataType::kFp32, {1LL << 40U, 1LL << 40U, 1LL << 40U}}, {"y", DataType::kFp32, {1LL << 40U}}}), 1024);
  EXPECT_EQ(make_revision({}, {.name = "e"}, onnx(Task::kTensors, {}), {})->memory_mib, 192);  // 90 + 64 + 16, rounded up
}

TEST(MakeRevision, TensorsTakeWhatTheirExecutionsAreBilledFor) {
  constexpr int64_t kMib = 1 << 20;
  const auto tensor_mib = [](EndpointSpec spec) {
    return static_cast<int64_t>(make_revision({}, std::move(spec), onnx(Task::kTensors, {}), {})->tensor_bytes_max()) / kMib;
  };
  EXPECT_EQ(tensor_mib({.name = "e", .scaling = {.max = 1}}), 512) << "an estimate may be wrong";
  EXPECT_EQ(tensor_mib({.name = "e", .memory_mib = 200, .scaling = {.max = 1}}), 200) << "its owner knows";
  EXPECT_EQ(tensor_mib({.name = "e", .memory_mib = 200, .scaling = {.max = 4}}), 200 + 3 * 16);
  EXPECT_EQ(make_revision({}, {.name = "e"}, std::nullopt, {})->tensor_bytes_max(), 0U);
}

}  // namespace
}  // namespace ebb::domain
