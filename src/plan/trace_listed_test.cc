// Traces that list their calls.
#include "plan/trace_listed.h"

#include <gtest/gtest.h>

#include "io/folder_for_test.h"
#include "plan/trace.h"

namespace ebb::plan {
namespace {

class TraceListedTest : public testing::Test {
 protected:
  Result<Trace> read(const std::string& bytes, const std::string& name = "a trace.x") const { return read_trace(folder_.write(name, bytes)); }
  std::string error_of(const std::string& bytes) const {
    const Result<Trace> trace = read(bytes);
    return trace ? "" : trace.error().message.substr(folder_.path().string().size() + 1);
  }
  static std::vector<TraceCall> play(Result<Trace>& trace) {
    std::vector<TraceCall> out;
    while (const std::optional<TraceCall> call = trace->next())
      out.push_back(*call);
    return out;
  }

  io::FolderForTest folder_;
};

TEST_F(TraceListedTest, AzureLlm) {
  Result<Trace> trace = read(
      "\xEF\xBB\xBFGeneratedTokens,Model,TIMESTAMP,ContextTokens\r\n"
      "10,x,2023-11-16 18:17:03.9799600,4808\r\n"
      "8,,2023-12-31 23:59:59,3180\r\n"
      "7,,2024-01-01T00:00:00.5+00:00,2\r\n"
      "9,,2023-11-16 18:17:03.000000001Z,0");
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(trace->layout(), "azure-llm-2023");
  EXPECT_EQ(trace->functions(), std::vector<TraceFunction>{{.name = "a-trace"}});
  const std::vector<TraceCall> expected = {{.at = nanoseconds(0), .completion_tokens = 9},
                                           {.at = nanoseconds(979'959'999), .prompt_tokens = 4808, .completion_tokens = 10},
                                           {.at = seconds(3'908'576) - nanoseconds(1), .prompt_tokens = 3180, .completion_tokens = 8},
                                           {.at = seconds(3'908'577) + nanoseconds(499'999'999), .prompt_tokens = 2, .completion_tokens = 7}};
  EXPECT_EQ(play(trace), expected);
  EXPECT_EQ(trace->calls(), 4U);
  EXPECT_EQ(trace->length(), expected.back().at);
  EXPECT_FALSE(trace->next());
  trace->rewind();
  EXPECT_EQ(play(trace), expected);
}

TEST_F(TraceListedTest, Mooncake) {
  Result<Trace> trace = read(R"({"timestamp": 1000, "input_length": 6, "output_length": 2, "hash_ids": [1, 2]}
{"timestamp": 3000.25, "input_length": 7, "output_length": 3}
{"timestamp": 2000, "input_length": 8, "output_length": 4})");
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(trace->layout(), "mooncake");
  EXPECT_EQ(play(trace), (std::vector<TraceCall>{{.prompt_tokens = 6, .completion_tokens = 2},
                                                 {.at = milliseconds(1000), .prompt_tokens = 8, .completion_tokens = 4},
                                                 {.at = microseconds(2'000'250), .prompt_tokens = 7, .completion_tokens = 3}}));
}

TEST_F(TraceListedTest, Usage) {
  Result<Trace> trace = read(R"({"endpoint":"b","ended":"2026-11-24T10:00:01.000Z","total_ns":3000000000,"queued_ns":1000000000,"memory_mib":64,"tier":"cold"}
{"endpoint":"a","ended":"2026-11-24T10:00:00.500Z","total_ns":2000000000,"queued_ns":2000000000,"tier":"warm","prompt_tokens":3,"completion_tokens":4}
{"endpoint":"c","ended":"2026-11-24T09:00:00Z","total_ns":1,"tier":"init"}
{"endpoint":"b","ended":"2026-11-24T10:00:02Z","total_ns":5,"memory_mib":32,"cost":"unknown"}
)");
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(trace->layout(), "ebb-usage");
  EXPECT_EQ(trace->functions(), (std::vector<TraceFunction>{{.name = "b", .memory_mib = 64}, {.name = "a"}}));
  EXPECT_EQ(play(trace), (std::vector<TraceCall>{{.at = nanoseconds(0), .service = seconds(2)},
                                                 {.at = milliseconds(500), .function = 1, .prompt_tokens = 3, .completion_tokens = 4},
                                                 {.at = seconds(4) - nanoseconds(5), .service = nanoseconds(5)}}));
}

TEST_F(TraceListedTest, UsageSaysWhenItBeganAndWhatStartsTook) {
  const Result<Trace> trace =
      read(R"({"endpoint":"b","ended":"2026-11-24T10:00:05Z","total_ns":5000000000,"queued_ns":3000000000,"start_ns":3000000000,"tier":"cold"}
{"endpoint":"b","ended":"2026-11-24T11:00:00Z","total_ns":2000000000,"queued_ns":1000000000,"start_ns":1000000000,"tier":"cold"}
{"endpoint":"b","ended":"2026-11-24T12:00:00Z","total_ns":2000000000,"queued_ns":9000000,"start_ns":9000000,"tier":"parked"}
{"endpoint":"a","ended":"2026-11-24T12:00:00Z","total_ns":1,"tier":"warm"}
)");
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(trace->begin(), WallTime(std::chrono::sys_days{std::chrono::year{2026} / 11 / 24} + std::chrono::hours(10)));
  EXPECT_EQ(trace->functions(), (std::vector<TraceFunction>{{.name = "b", .start = seconds(2)}, {.name = "a"}}));
  EXPECT_EQ(mean_start(*trace), seconds(2));
}

TEST_F(TraceListedTest, BadCsvIsRefusedByLineAndColumn) {
  const std::string head = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.97,1,2\n";
  struct Row {
    std::string bytes, words;
  };
  const Row rows[] = {
      {"TIMESTAMP,ContextTokens\n", "a trace.x, line 1: there is no column 'GeneratedTokens'"},
      {"TIMESTAMP,ContextTokens,TIMESTAMP\n", "line 1: the column 'TIMESTAMP' stands there twice"},
      {"TIMESTAMP,ContextTokens,GeneratedTokens\n", "a trace.x has no calls"},
      {head + "2023-11-16 18:17:03,1\n", "line 3: 2 fields, but there are 3 columns: there is none for column 3 ('GeneratedTokens')"},
      {head + "2023-11-16 18:17:03,1,2,3\n", "line 3: 4 fields, but there are 3 columns: column 4 has no name"},
      {head + "2023-11-16 18:17:03,-1,2\n", "line 3, column 2 ('ContextTokens'): '-1' is no whole number from 0 to 2147483647"},
      {head + "2023-11-16 18:17:03,1,2147483648\n", "line 3, column 3 ('GeneratedTokens'): '2147483648' is no whole"},
      {head + "2023-11-16 18:17:03,1, 2\n", "' 2' is no whole"},
      {head + "2023-11-16 18:17:03,1,\n", "'' is no whole"},
      {head + "2023-02-29 18:17:03,1,2\n", "line 3, column 1 ('TIMESTAMP'): '2023-02-29 18:17:03' is no time such as"},
      {head + "2023-11-16 24:17:03,1,2\n", "is no time"},
      {head + "2023-11-16 18:17:03.,1,2\n", "is no time"},
      {head + "2023-11-16 18:17:03.1234567890,1,2\n", "is no time"},
      {head + "2023-11-16 18:17:03.1x,1,2\n", "is no time"},
      {head + "2023-11-16 18:17:03 12,1,2\n", "is no time"},
      {head + "2023-11-16 18:17:03+01:00,1,2\n", "is no time"},
      {head + "-023-11-16 18:17:03,1,2\n", "is no time"},
      {head + "9999-11-16 18:17:03,1,2\n", "is no time"},
      {head + "1,1,2\n", "'1' is no time"},
  };
  for (const Row& row : rows)
    EXPECT_TRUE(error_of(row.bytes).contains(row.words)) << row.bytes << "\n" << error_of(row.bytes);
}

TEST_F(TraceListedTest, BadJsonIsRefusedByLineAndField) {
  const std::string mooncake = "{\"timestamp\": 0, \"input_length\": 6, \"output_length\": 2}\n";
  const std::string usage = "{\"endpoint\":\"b\",\"ended\":\"2026-11-24T10:00:01.000Z\",\"total_ns\":3}\n";
  struct Row {
    std::string bytes, words;
  };
  const Row rows[] = {
      {mooncake + "{\"timestamp\": 0,]", "a trace.x, line 2: no valid JSON: "},
      {mooncake + "{\"timestamp\": 0,]", "at column 17"},
      {mooncake + mooncake.substr(0, 55) + "x", "line 2: no valid JSON: extra data"},
      {mooncake + mooncake.substr(0, 30), "line 2: no valid JSON: incomplete"},
      {mooncake + "[]", "line 2: the line is no JSON object"},
      {mooncake + "{}", "line 2: 'timestamp' is required"},
      {mooncake + R"({"timestamp":-1,"input_length":1,"output_length":1})", "line 2: 'timestamp' must be between 0 and"},
      {mooncake + R"({"timestamp":1,"input_length":-1,"output_length":1})", "'input_length' must be between 0 and 2147483647, not -1"},
      {mooncake + R"({"timestamp":1,"input_length":1,"output_length":1.5})", "'output_length' must be a whole number"},
      {mooncake + R"({"timestamp":1,"input_length":1})", "line 2: 'output_length' is required"},
      {usage + R"({"endpoint":"B","ended":"2026-11-24T10:00:01.000Z","total_ns":3})", "line 2: 'endpoint' is 'B', which is no name"},
      {usage + R"({"endpoint":"b","ended":"now","total_ns":3})", "line 2: 'ended': 'now' is not a time"},
      {usage + R"({"endpoint":"b","ended":"9999-11-24T10:00:01.000Z","total_ns":3})", "'ended' is later than the year 2096"},
      {usage + R"({"endpoint":"b","ended":"2026-11-24","total_ns":-3})", "'total_ns' must be between 0"},
      {usage + R"({"endpoint":"b","ended":"2026-11-24"})", "'total_ns' is required"},
      {usage + R"({"endpoint":"b","ended":"2026-11-24","total_ns":3,"queued_ns":4})", "'queued_ns' must be between 0 and 3, not 4"},
      {usage + R"({"endpoint":"b","ended":"2026-11-24","total_ns":3,"tier":"hot"})", "line 2: 'tier': "},
      {usage + R"({"endpoint":"b","ended":"2026-11-24","total_ns":3,"memory_mib":-1})", "'memory_mib' must be between"},
      {usage + R"({"endpoint":"b","ended":"2026-11-24","total_ns":3,"prompt_tokens":"1"})", "'prompt_tokens' must be a whole number"},
      {R"({"endpoint":"b","ended":"2026-11-24","total_ns":3,"tier":"init"})", "a trace.x has no calls"},
      {usage + std::string(100, '[') + std::string(100, ']'), "line 2: no valid JSON"},
  };
  for (const Row& row : rows)
    EXPECT_TRUE(error_of(row.bytes).contains(row.words)) << row.bytes << "\n" << error_of(row.bytes);
}

TEST_F(TraceListedTest, WhatIsNoTraceIsToldWhichThereAre) {
  for (const char* bytes : {"hello\n", "a,b,c\n1,2,3\n", "{}\n", "{\"a\":1}\n", "{\"timestamp\n", "[]\n", "HashFunction,HashApp\na,b\n"}) {
    const std::string error = error_of(bytes);
    EXPECT_TRUE(error.starts_with("a trace.x, line 1: it begins like none of the known traces")) << bytes << error;
    for (const char* layout : {"azure-functions-2019", "azure-llm-2023", "mooncake", "ebb-usage"})
      EXPECT_TRUE(error.contains(layout)) << layout;
  }
  for (const char* bytes : {"", "\n\n", "\xEF\xBB\xBF\r\n"})
    EXPECT_TRUE(error_of(bytes).contains("a trace.x is empty")) << error_of(bytes);
  EXPECT_EQ(read_trace(folder_.path("none")).error().kind, ErrorKind::kNotFound);
}

}  // namespace
}  // namespace ebb::plan
