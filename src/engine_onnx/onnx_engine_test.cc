// Tensors through small models, alone and together; what is refused; what is stopped.
#include "engine_onnx/onnx_engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/limits.h"
#include "engine_onnx/engine_for_test.h"

namespace ebb::engine_onnx::test {
namespace {

using domain::Tensor;
using domain::Tensors;
using testing::HasSubstr;

Tensor of_type(DataType type) {
  if (type == DataType::kBytes) {
    using namespace std::string_literals;
    return {.head = {.name = "x", .type = type, .shape = {1, 2}}, .data = "\3\0\0\0a\0b\0\0\0\0"s};
  }
  Tensor tensor{.head = {.name = "x", .type = type, .shape = {1, 2}}, .data = std::string(2 * domain::element_bytes(type), '\0')};
  tensor.data.front() = 1;
  return tensor;
}

TEST(OnnxEngine, EveryTypeGoesThrough) {
  for (int number = 0; number < domain::kDataTypes; ++number) {
    const auto type = static_cast<DataType>(number);
    const auto engine = loaded(package(identity(type)));
    ASSERT_NE(engine, nullptr) << domain::to_string(type);
    const Tensor given = of_type(type);
    const Answer answer = ask(*engine, Tensors{.inputs = {given}});
    ASSERT_EQ(answer.tensors.size(), 1U) << domain::to_string(type) << answer.error.message;
    EXPECT_EQ(answer.tensors[0].data, given.data) << domain::to_string(type);
    EXPECT_EQ(answer.tensors[0].head.type, type);
    EXPECT_EQ(answer.tensors[0].head.name, "y");
    EXPECT_EQ(answer.tensors[0].head.shape, given.head.shape);
    EXPECT_TRUE(answer.finished);
  }
}

Tensors rows(const std::vector<float>& values) { return {.inputs = {tensor("x", DataType::kFp32, {static_cast<int64_t>(values.size() / 2), 2}, values)}}; }

TEST(OnnxEngine, CallsThatWaitRunTogetherAndGetTheirOwnRows) {
  const auto engine = loaded(package(matmul()));
  for (const auto& [id, values] : std::map<uint64_t, std::vector<float>>{{1, {1, 0}}, {2, {0, 1, 1, 1}}, {3, {2, 0}}}) {
    domain::Call call;
    call.input = rows(values);
    ASSERT_TRUE(engine->execute(CallId{id}, call));
  }
  int turns = 0;
  std::map<uint64_t, std::vector<float>> got;
  while (engine->busy()) {
    bool any = false;
    for (engine::StepEvent& event : engine->step()) {
      any = true;
      if (event.kind == engine::StepEvent::Kind::kTensor) got[event.call.value] = floats_of(event.tensor);
    }
    turns += any ? 1 : 0;
  }
  EXPECT_EQ(turns, 1) << "one run for all";
  EXPECT_THAT(got[1], testing::ElementsAre(1, 2));
  EXPECT_THAT(got[2], testing::ElementsAre(3, 4, 4, 6));
  EXPECT_THAT(got[3], testing::ElementsAre(2, 4));
}

// Rows of such a model may belong together: two callers' must never meet in it.
TEST(OnnxEngine, AModelThatNamesNoBatchRunsCallsOneByOne) {
  const auto engine = loaded(package(matmul("time")));
  for (const uint64_t id : {1, 2}) {
    domain::Call call;
    call.input = rows({1, 0});
    ASSERT_TRUE(engine->execute(CallId{id}, call));
  }
  size_t most = 0;
  while (engine->busy()) {
    size_t finished = 0;
    for (const engine::StepEvent& event : engine->step())
      finished += event.kind == engine::StepEvent::Kind::kFinished ? 1U : 0U;
    most = std::max(most, finished);
  }
  EXPECT_EQ(most, 1U);
}

TEST(OnnxEngine, AFixedBatchRunsOneByOne) {
  const auto engine = loaded(package(matmul("", 1)));
  for (const uint64_t id : {1, 2}) {
    domain::Call call;
    call.input = rows({static_cast<float>(id), 0});
    ASSERT_TRUE(engine->execute(CallId{id}, call));
  }
  std::map<uint64_t, Answer> all = answers(*engine);
  EXPECT_THAT(floats_of(all[1].tensors.at(0)), testing::ElementsAre(1, 2));
  EXPECT_THAT(floats_of(all[2].tensors.at(0)), testing::ElementsAre(2, 4));
}

TEST(OnnxEngine, NumbersThatAreNoneAndEmptyBatchesPass) {
  const auto engine = loaded(package(identity(DataType::kFp32)));
  const auto nothing = tensor<float>("x", DataType::kFp32, {0, 2}, {});
  EXPECT_EQ(ask(*engine, Tensors{.inputs = {nothing}}).tensors.at(0).head.shape, (Shape{0, 2}));
  const auto odd = tensor<float>("x", DataType::kFp32, {1, 2}, {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()});
  EXPECT_EQ(ask(*engine, Tensors{.inputs = {odd}}).tensors.at(0).data, odd.data);
  const auto product = loaded(package(matmul()));
  EXPECT_EQ(ask(*product, Tensors{.inputs = {nothing}}).tensors.at(0).head.shape, (Shape{0, 2}));
}

struct Refused {
  Tensors tensors;
  std::string param;
  std::string says;
};

TEST(OnnxEngine, RefusesWhatTheModelDoesNotTake) {
  const auto engine = loaded(package(matmul()));
  const Tensor good = tensor<float>("x", DataType::kFp32, {1, 2}, {1, 2});
  const auto with = [&good](auto change) {
    Tensor tensor = good;
    change(tensor);
    return Tensors{.inputs = {tensor}};
  };
  const std::vector<Refused> rows{
      {{}, "inputs", "'x' is missing"},
      {with([](Tensor& t) { t.head.name = "z"; }), "inputs", "no input 'z'"},
      {{.inputs = {good, good}}, "inputs", "comes twice"},
      {with([](Tensor& t) { t.head.type = DataType::kInt32; }), "inputs", "takes FP32 [-1,2]"},
      {with([](Tensor& t) {
         t.head.shape = {1, 3};
       }),
       "inputs", "has the shape [1,3]"},
      {with([](Tensor& t) { t.head.shape = {2}; }), "inputs", "has the shape [2]"},
      {with([](Tensor& t) {
         t.head.shape = {int64_t{1} << 62, 2};
       }),
       "inputs", "more elements"},
      {with([](Tensor& t) {
         t.head.shape = {-1, 2};
       }),
       "inputs", "negative"},
      {with([](Tensor& t) { t.data.pop_back(); }), "inputs", "takes 8 bytes and there are 7"},
      {{.inputs = {good}, .outputs = {"z"}}, "outputs", "no output 'z': it has 'y' FP32 [-1,2]"},
      {{.inputs = {good}, .outputs = {"y", "y"}}, "outputs", "asked for twice"},
  };
  for (const Refused& row : rows) {
    const Answer answer = ask(*engine, row.tensors);
    EXPECT_TRUE(answer.failed);
    EXPECT_EQ(answer.error.kind, ErrorKind::kInvalid);
    EXPECT_EQ(answer.error.param, row.param);
    EXPECT_THAT(answer.error.message, HasSubstr(row.says));
  }
  EXPECT_TRUE(ask(*engine, Tensors{.inputs = {good}}).finished) << "and goes on";
}

TEST(OnnxEngine, RefusesABooleanThatIsNone) {
  const auto engine = loaded(package(identity(DataType::kBool)));
  EXPECT_THAT(ask(*engine, Tensors{.inputs = {tensor<char>("x", DataType::kBool, {1, 2}, {1, 2})}}).error.message, HasSubstr("neither 0 nor 1"));
}

// Of two calls that run together, one has an index that is out of range.
TEST(OnnxEngine, AnInputThatCannotBeComputedFailsItsOwnCallOnly) {
  const auto engine = loaded(package(model(node("Gather", {"table", "x"}, {"y"}) + weight("table", DataType::kFp32, {2}, bytes_of(std::vector<float>{5, 6})) +
                                           takes("x", DataType::kInt64, {-1}) + gives("y", DataType::kFp32, {-1}))));
  for (const int64_t id : {1, 2, 7}) {
    domain::Call call;
    call.input = Tensors{.inputs = {tensor<int64_t>("x", DataType::kInt64, {1}, {id - 1})}};
    ASSERT_TRUE(engine->execute(CallId{static_cast<uint64_t>(id)}, call));
  }
  std::map<uint64_t, Answer> all = answers(*engine);
  EXPECT_THAT(floats_of(all[1].tensors.at(0)), testing::ElementsAre(5));
  EXPECT_THAT(floats_of(all[2].tensors.at(0)), testing::ElementsAre(6));
  EXPECT_EQ(all[7].error.kind, ErrorKind::kInvalid);
  EXPECT_EQ(all[7].error.param, "inputs");
}

TEST(OnnxEngine, MoreOutputThanAnAnswerMayHaveIsAnError) {
  const auto engine = loaded(package(zeros()));
  const auto of = [](int64_t count) { return Tensors{.inputs = {tensor<int64_t>("shape", DataType::kInt64, {1}, {count})}}; };
  EXPECT_EQ(ask(*engine, of(3)).tensors.at(0).data, std::string(12, '\0'));
  EXPECT_EQ(ask(*engine, of(1 + static_cast<int64_t>(domain::kTensorBytesMax / 4))).error.kind, ErrorKind::kTooLarge);
  EXPECT_EQ(ask(*engine, of(int64_t{1} << 40)).error.kind, ErrorKind::kTooLarge) << "more memory than there may be";
  EXPECT_TRUE(ask(*engine, of(3)).finished);
}

TEST(OnnxEngine, RunsTakeNoMoreThanTheirWorkerMay) {
  init_library_once();
  const auto of = [](int64_t count) { return Tensors{.inputs = {tensor<int64_t>("shape", DataType::kInt64, {1}, {count})}}; };
  constexpr int64_t kValues = 4 << 20;  // of four bytes each
  const auto may_take = [](uint64_t bytes) {
    return load_engine(file_with(package(zeros())), {.slots = 1, .tensor_bytes_max = bytes}, [](int64_t, int64_t) {});
  };
  auto bound = may_take(8U << 20U);
  ASSERT_TRUE(bound);
  const Answer refused = ask(**bound, of(kValues));
  EXPECT_EQ(refused.error.kind, ErrorKind::kTooLarge);
  EXPECT_THAT(refused.error.message, testing::HasSubstr("the 8 MiB that its worker may have: send less at once, or deploy it with more memory"));
  EXPECT_TRUE(ask(**bound, of(3)).finished);
  bound->reset();
  EXPECT_TRUE(ask(**may_take(64U << 20U), of(kValues)).finished);
  EXPECT_TRUE(ask(**may_take(0), of(kValues)).finished) << "and the next in this process is bound anew";
}

TEST(OnnxEngine, CancelStopsARunThatWouldNotEnd) {
  const auto engine = loaded(package(endless()));
  const Tensors forever{.inputs = {tensor<float>("x", DataType::kFp32, {1}, {0}), tensor<int64_t>("count", DataType::kInt64, {}, {int64_t{1} << 60}),
                                   tensor<char>("go_on", DataType::kBool, {}, {1})}};
  domain::Call call;
  call.input = forever;
  ASSERT_TRUE(engine->execute(CallId{1}, call));
  for (int i = 0; i < 5; ++i)
    EXPECT_TRUE(engine->step().empty());
  EXPECT_EQ(engine->cancel(CallId{1})->kind, engine::StepEvent::Kind::kCancelled);
  EXPECT_FALSE(engine->cancel(CallId{1}));
  EXPECT_TRUE(answers(*engine).empty());
  Tensors short_one = forever;
  short_one.inputs[1] = tensor<int64_t>("count", DataType::kInt64, {}, {5});
  EXPECT_THAT(floats_of(ask(*engine, short_one).tensors.at(0)), testing::ElementsAre(5));
}

// Computed while the graph is optimised, which happens before any run.
TEST(OnnxEngine, AModelThatAsksForTooMuchWhileItLoads) {
  const auto engine =
      load(package(model(node("ConstantOfShape", {"shape"}, {"zeros"}) + node("ReduceSum", {"zeros"}, {"sum"}) + node("Add", {"x", "sum"}, {"y"}) +
                         weight("shape", DataType::kInt64, {1}, bytes_of(std::vector<int64_t>{int64_t{1} << 40})) + takes("x", DataType::kFp32, {1}) +
                         gives("y", DataType::kFp32, {1}))));
  if (!engine) return;
  EXPECT_EQ(ask(**engine, Tensors{.inputs = {tensor<float>("x", DataType::kFp32, {1}, {1})}}).error.kind, ErrorKind::kTooLarge);
}

// How the numbers of one caller are quantised would depend on those of another.
TEST(OnnxEngine, AModelThatQuantisesOverRowsRunsCallsOneByOne) {
  const auto engine = loaded(package(
      model(node("DynamicQuantizeLinear", {"x"}, {"y", "scale", "zero"}) + takes("x", DataType::kFp32, {-1, 2}) + gives("y", DataType::kUint8, {-1, 2}))));
  for (const uint64_t id : {1, 2}) {
    domain::Call call;
    call.input = rows({0, id == 1 ? 1.0F : 100.0F});
    ASSERT_TRUE(engine->execute(CallId{id}, call));
  }
  std::map<uint64_t, Answer> all = answers(*engine);
  EXPECT_EQ(all[1].tensors.at(0).data, std::string("\x00\xFF", 2));
  EXPECT_EQ(all[2].tensors.at(0).data, std::string("\x00\xFF", 2));
}

TEST(OnnxEngine, ParksAndWakes) {
  const auto engine = loaded(package(matmul()), 1, 2);
  EXPECT_EQ(ask(*engine, rows({1, 0})).tensors.size(), 1U);
  engine->park();
  EXPECT_EQ(engine->slots(), 0);
  EXPECT_EQ(ask(*engine, rows({1, 0})).error.kind, ErrorKind::kOverloaded);
  ASSERT_TRUE(engine->set_slots(3));
  EXPECT_EQ(engine->slots(), 3);
  engine->set_threads(1);
  EXPECT_EQ(ask(*engine, rows({1, 0})).tensors.size(), 1U);
}

TEST(OnnxEngine, ExternalDataComesFromThePackageOnly) {
  const auto with = [](std::string_view location, int64_t offset, int64_t length) {
    return model(node("Add", {"x", "w"}, {"y"}) + weight_outside("w", DataType::kFp32, {1, 2}, location, offset, length) +
                 takes("x", DataType::kFp32, {-1, 2}) + gives("y", DataType::kFp32, {-1, 2}));
  };
  const std::map<std::string, std::string> files{{"sub/w.bin", bytes_of(std::vector<float>{9, 9, 10, 20})}};
  const auto engine = loaded(package(with("sub/w.bin", 8, 8), R"({"task":"tensors"})", files));
  EXPECT_THAT(floats_of(ask(*engine, rows({1, 2})).tensors.at(0)), testing::ElementsAre(11, 22));
  EXPECT_FALSE(load(package(with("other.bin", 0, 8), R"({"task":"tensors"})", files)));
  EXPECT_FALSE(load(package(with("/etc/passwd", 0, 8), R"({"task":"tensors"})", files)));
  EXPECT_FALSE(load(package(with("../../../../../../../../etc/passwd", 0, 8), R"({"task":"tensors"})", files)));
  EXPECT_FALSE(load(package(with("sub/w.bin", 12, 8), R"({"task":"tensors"})", files))) << "past the file's end";
  EXPECT_FALSE(load(package(with("sub/w.bin", int64_t{1} << 62, 8), R"({"task":"tensors"})", files)));
}

TEST(OnnxEngine, RefusesModelsThatAreNone) {
  const std::string good = matmul();
  const std::string lying = model(node("MatMul", {"x", "w"}, {"y"}) + weight("w", DataType::kFp32, {int64_t{1} << 40, 2}, "12345678") +
                                  takes("x", DataType::kFp32, {-1, 2}) + gives("y", DataType::kFp32, {-1, 2}));
  const std::string cyclic =
      model(node("Add", {"x", "b"}, {"a"}) + node("Add", {"a", "x"}, {"b"}) + takes("x", DataType::kFp32, {-1}) + gives("b", DataType::kFp32, {-1}));
  const std::string unknown = model(node("Frobnicate", {"x"}, {"y"}) + takes("x", DataType::kFp32, {-1}) + gives("y", DataType::kFp32, {-1}));
  const std::string custom = model(node("Frobnicate", {"x"}, {"y"}, {}, "com.example") + takes("x", DataType::kFp32, {-1}) + gives("y", DataType::kFp32, {-1}));
  for (const std::string& bad : {std::string("no model"), good.substr(0, good.size() / 2), lying, cyclic, unknown, custom, model("", 17), model(good)}) {
    const auto engine = load(package(bad));
    ASSERT_FALSE(engine);
    EXPECT_FALSE(engine.error().message.empty());
  }
  EXPECT_FALSE(load("no package"));
  EXPECT_FALSE(load(package(good).substr(0, 2048)));
}

}  // namespace
}  // namespace ebb::engine_onnx::test
