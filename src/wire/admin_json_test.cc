// What the server writes, the CLI reads back; times are exact; the one body that the server reads is closed.
#include "wire/admin_json.h"
#include "wire/model_facts_json.h"

#include <gtest/gtest.h>

namespace ebb::wire {
namespace {

WallTime at(int64_t ms) { return WallTime(milliseconds(ms)); }

TEST(AdminJson, EndpointsComeBackAsTheyWere) {
  EndpointRow row{.revision = 7,
                  .model = "smol@3",
                  .capability = "completion",
                  .memory_mib = 512,
                  .context_tokens = 4096,
                  .created = at(1'700'000'000'123),
                  .state = "ready",
                  .slots_busy = 1,
                  .slots_ready = 4,
                  .waiting = 2,
                  .memory_bytes = 1ULL << 40U,
                  .last_call = at(1'700'000'001'000),
                  .calls = 12,
                  .spent = 123'456'789};
  row.spec.name = "chat";
  row.spec.model = domain::ModelRef{.name = "smol", .version = 3};
  const Result<EndpointRow> back = endpoint_row_from_json(to_json(row));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, row);
}

TEST(AdminJson, OtherValuesComeBackAsTheyWere) {
  const DecisionRow decision{.id = 3,
                             .at = at(5),
                             .what = "start",
                             .because = "a call waits",
                             .call = "00",
                             .worker = "",
                             .inputs = {{"waiting", "1"}, {"idle", "2s"}},
                             .facts = {{"waiting", 1}, {"idle_ns", 2'000'000'000}}};
  EXPECT_EQ(*decision_row_from_json(to_json(decision)), decision);
  const LogRow line{.sequence = 9, .at = at(1), .text = "ready\n"};
  EXPECT_EQ(*log_row_from_json(to_json(line)), line);
  const StatusRow status{.version = "0.1.0",
                         .home = "/h",
                         .ready = false,
                         .not_ready_why = "draining",
                         .sandbox = {{"seccomp", true, ""}},
                         .cores = 2,
                         .processors = "sleep",
                         .currency = "USD"};
  EXPECT_EQ(*status_row_from_json(to_json(status)), status);
  StatusRow with_tls = status;
  with_tls.tls = {.names = "ebb.example.com", .ends = at(77), .problem = "it has expired"};
  EXPECT_EQ(*status_row_from_json(to_json(with_tls)), with_tls);
  domain::Model model;
  model.name = "smol";
  model.version = 2;
  model.added = at(77);
  model.source = "/x.gguf";
  model.digest.bytes.fill(0xab);
  model.facts = {.architecture = "llama",
                 .title = "Smol",
                 .quantization = "Q4_1",
                 .parameters = 135,
                 .weights_bytes = 98,
                 .layers = 30,
                 .train_context = 2048,
                 .vocabulary = 49152,
                 .has_chat_template = true};
  EXPECT_EQ(*model_from_json(to_json(model)), model);
  domain::Model onnx = model;
  onnx.facts = {.format = domain::ModelFormat::kOnnx, .architecture = "pytorch", .weights_bytes = 98};
  onnx.facts.task = domain::Task::kTextClassification;
  onnx.facts.inputs = {{"ids", domain::DataType::kInt64, {-1, 128}}};
  onnx.facts.outputs = {{"y", domain::DataType::kFp32, {}}};
  EXPECT_EQ(*model_from_json(to_json(onnx)), onnx);
  const ModelProgress progress{.phase = "hash", .done_bytes = 1, .total_bytes = 2};
  EXPECT_EQ(*model_progress_from_json(to_json(progress)), progress);
  const Bill bill{.currency = "USD",
                  .rows = {{.endpoint = "chat", .tier = "cold", .calls = 2, .faults = 1, .billed_ms = 3, .cost = 4}},
                  .total = {.calls = 1, .billed_ms = 3, .cost = 4}};
  EXPECT_EQ(*bill_from_json(to_json(bill)), bill);
}

TEST(AdminJson, FactsOfModelsAreChecked) {
  const auto why = [](std::string_view more) {
    const std::string text = R"({"architecture": "a", "title": "", "quantization": "", "parameters": 1, "weights_bytes": 1, "kv_bytes_per_token": 0)";
    const Result<domain::ModelFacts> facts = model_facts_from_json(*parse_json(text + std::string(more) + "}"), "facts");
    return facts ? std::string() : facts.error().param;
  };
  const std::string sizes = R"(, "layers": 1, "train_context": 1, "vocabulary": 1)";
  const std::string zeros = R"(, "layers": 0, "train_context": 0, "vocabulary": 0)";
  EXPECT_EQ(why(sizes), "");  // as an older server says it
  EXPECT_EQ(why(zeros), "facts.layers");
  EXPECT_EQ(why(zeros + R"(, "format": "onnx")"), "");
  EXPECT_EQ(why(sizes + R"(, "format": "pickle")"), "facts.format");
  EXPECT_EQ(why(zeros + R"(, "format": "onnx", "task": "sing")"), "facts.task");
  EXPECT_EQ(why(zeros + R"(, "format": "onnx", "inputs": [{"name": "x", "datatype": "FP31", "shape": []}])"), "facts.inputs.datatype");
  EXPECT_EQ(why(zeros + R"(, "format": "onnx", "outputs": [{"name": "x", "datatype": "FP32", "shape": [-2]}])"), "facts.outputs.shape");
  EXPECT_EQ(why(zeros + R"(, "format": "onnx", "outputs": [3])"), "facts.outputs");
}

TEST(AdminJson, ErrorsKeepKindParamAndAdvice) {
  const Error error{.kind = ErrorKind::kOverloaded, .message = "no room", .param = "x", .retry_after = milliseconds(1500)};
  const Error back = error_from_json(to_json(error));
  EXPECT_EQ(back.kind, error.kind);
  EXPECT_EQ(back.message, error.message);
  EXPECT_EQ(back.param, error.param);
  EXPECT_EQ(back.retry_after, error.retry_after);
  EXPECT_EQ(error_from_json(json::parse("[]")).kind, ErrorKind::kInternal);
}

TEST(AdminJson, AddModelIsClosed) {
  struct Row {
    const char* body;
    const char* param;  // nullptr: accepted
  };
  const Row rows[] = {
      {R"({"name":"smol","source":"/a.gguf"})", nullptr},
      {R"({"name":"smol","source":"https://h/x","sha256":"0000000000000000000000000000000000000000000000000000000000000000"})", nullptr},
      {R"({"name":"smol","source":"/a.gguf","force":true})", "force"},
      {R"({"source":"/a.gguf"})", "name"},
      {R"({"name":"../x","source":"/a.gguf"})", "name"},
      {R"({"name":"smol"})", "source"},
      {R"({"name":"smol","source":""})", "source"},
      {R"({"name":"smol","source":"/a\u0000b"})", "source"},
      {R"({"name":"smol","source":"/a.gguf","sha256":"12"})", "sha256"},
      {R"({"name":7,"source":"/a.gguf"})", "name"},
      {R"([])", ""},
  };
  for (const Row& row : rows) {
    const Result<AddModel> request = add_model_from_json(json::parse(row.body));
    EXPECT_EQ(request.has_value(), row.param == nullptr) << row.body;
    if (!request && row.param != nullptr) {
      EXPECT_EQ(request.error().param, row.param) << row.body;
    }
  }
}

TEST(AdminJson, Times) {
  struct Row {
    const char* text;
    int64_t ms;  // -1: refused
  };
  const Row rows[] = {{"1970-01-01", 0},
                      {"1970-01-02", 86'400'000},
                      {"2026-11-24T10:00:00Z", 1'795'514'400'000},
                      {"2026-11-24T10:00:00.5Z", 1'795'514'400'500},
                      {"2026-11-24T10:00:00.123456Z", 1'795'514'400'123},
                      {"2024-02-29", 1'709'164'800'000},
                      {"2023-02-29", -1},
                      {"2026-13-01", -1},
                      {"2026-11-24T24:00:00Z", -1},
                      {"2026-11-24T10:00:00", -1},
                      {"2026-11-24T10:00:00+01:00", -1},
                      {"2026-11-24T10:00:00.Z", -1},
                      {"1969-12-31", -1},
                      {"+026-11-24", -1},
                      {"", -1},
                      {"yesterday!", -1}};
  for (const Row& row : rows) {
    const Result<WallTime> time = parse_time(row.text);
    EXPECT_EQ(time.has_value(), row.ms >= 0) << row.text;
    if (time) {
      EXPECT_EQ(time->time_since_epoch().count(), row.ms) << row.text;
    }
  }
  EXPECT_EQ(format_time(at(1'795'514'400'123)), "2026-11-24T10:00:00.123Z");
}

}  // namespace
}  // namespace ebb::wire
