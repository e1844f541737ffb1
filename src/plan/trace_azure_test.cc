// Azure's functions: columns in any order, days, the two files beside the counts, and what is wrong with tables.
#include "plan/trace_azure.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <random>

#include "io/folder_for_test.h"
#include "plan/trace_azure_counts.h"

namespace ebb::plan {
namespace {

using Counts = std::map<uint32_t, std::string>;  // by minute, from 0; what is not there is 0

std::string names_line() {
  std::string out = "HashOwner,HashApp,HashFunction,Trigger";
  for (uint32_t i = 1; i <= kMinutesOfDay; ++i)
    out += fmt::format(",{}", i);
  return out + "\n";
}

std::string counts_line(const std::string& app, const std::string& function, const Counts& counts = {}) {
  std::string out = fmt::format("owner,{},{},timer", app, function);
  for (uint32_t i = 0; i < kMinutesOfDay; ++i)
    out += "," + (counts.contains(i) ? counts.at(i) : "0");
  return out + "\n";
}

class TraceAzureTest : public testing::Test {
 protected:
  Result<Trace> read(const std::string& bytes, const std::string& name = "x-inv.csv") const { return read_trace(folder_.write(name, bytes)); }
  std::string error_of(const Result<Trace>& trace) const {
    if (trace) return "";
    const std::string& message = trace.error().message;
    const size_t at = message.find(folder_.path());
    return at == std::string::npos ? message : message.substr(at + folder_.path().string().size() + 1);
  }
  static std::vector<TraceCall> play(Result<Trace>& trace) {
    std::vector<TraceCall> out;
    while (const std::optional<TraceCall> call = trace->next())
      out.push_back(*call);
    return out;
  }
  // Calls by minute and function.
  static std::map<std::pair<int64_t, uint32_t>, int> counts_of(Result<Trace>& trace) {
    std::map<std::pair<int64_t, uint32_t>, int> out;
    for (const TraceCall& call : play(trace))
      ++out[{call.at / std::chrono::minutes(1), call.function}];
    return out;
  }

  io::FolderForTest folder_;
  std::string day_ = "invocations_per_function_md.anon.d0";
};

TEST_F(TraceAzureTest, ADayWithoutTheOtherFiles) {
  Result<Trace> trace =
      read(names_line() + counts_line("app1", "f", {{0, "2"}, {1439, "1"}}) + counts_line("app2", "f", {{7, "1"}}) + counts_line("app2", "g"), "counts.csv");
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(trace->layout(), "azure-functions-2019");
  EXPECT_EQ(trace->functions(), (std::vector<TraceFunction>{{.name = "app1-f"}, {.name = "app2-f"}, {.name = "app2-g"}}));
  EXPECT_EQ(trace->calls(), 4U);
  EXPECT_EQ(trace->length(), std::chrono::hours(24));
  const std::vector<TraceCall> calls = play(trace);
  EXPECT_EQ(calls[1].at - calls[0].at, seconds(30));
  EXPECT_EQ(calls[0].service, nanoseconds(0));
  trace->rewind();
  EXPECT_EQ(counts_of(trace), (std::map<std::pair<int64_t, uint32_t>, int>{{{0, 0}, 2}, {{7, 1}, 1}, {{1439, 0}, 1}}));
}

TEST_F(TraceAzureTest, ColumnsStandInAnyOrder) {
  std::string names = "Unknown";
  std::string cells = "-1";
  for (uint32_t i = kMinutesOfDay; i >= 1; --i) {
    names += fmt::format(",minute_{}", i) + (i == 700 ? ",HashFunction" : "");
    cells += fmt::format(",{}", i == 3 ? 5 : i == 1400 ? 12 : 0) + (i == 700 ? ",0" : "");
  }
  Result<Trace> trace = read("\xEF\xBB\xBF" + names + ",HashApp\r\n" + cells + ",0\r\n");
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(trace->functions(), std::vector<TraceFunction>{{.name = "0"}});
  EXPECT_EQ(counts_of(trace), (std::map<std::pair<int64_t, uint32_t>, int>{{{2, 0}, 5}, {{1399, 0}, 12}}));
}

TEST_F(TraceAzureTest, RunTimesAndMemoryComeFromTheFilesBeside) {
  const std::string percentiles =
      ",percentile_Average_0,percentile_Average_1,percentile_Average_25,percentile_Average_50,percentile_Average_75,percentile_Average_99,percentile_Average_"
      "100\n";
  folder_.write("x-run.csv", "HashFunction,Count,HashApp,Average" + percentiles +
                                 "f,3,app,7.5,1,1,1,1,1,1,1\n"
                                 "f,4,app,7.5,20,20,20,20,20,20,20.0\n"
                                 "f,2,app,7.5,3,3,3,3,3,3,3\n"
                                 "g,2,app,7.5,,,,,,,\n"
                                 "f,9,other,7.5,,,,,,,\n");
  folder_.write("x-mem.csv", "HashApp,SampleCount,AverageAllocatedMb\napp,1,99.6\napp,1,12\nother,1,5\n");
  Result<Trace> trace = read(names_line() + counts_line("app", "f", {{0, "1"}}) + counts_line("app", "g", {{1, "1"}}) + counts_line("more", "h", {{2, "1"}}));
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(trace->functions(), (std::vector<TraceFunction>{{.name = "f", .memory_mib = 100}, {.name = "g", .memory_mib = 100}, {.name = "h"}}));
  const std::vector<TraceCall> calls = play(trace);
  EXPECT_EQ(calls[0].service, milliseconds(20));
  EXPECT_EQ(calls[1].service, microseconds(7'500)) << "without percentiles the average";
  EXPECT_EQ(calls[2].service, nanoseconds(0));
}

TEST_F(TraceAzureTest, DaysOfAFolderAreJoined) {
  folder_.write(day_ + "2.csv", names_line() + counts_line("a", "f", {{0, "1"}}) + counts_line("b", "g", {{1, "2"}}));
  folder_.write(day_ + "3.csv", names_line() + counts_line("b", "g", {{2, "3"}}));
  folder_.write(day_ + "4.csv", names_line() + counts_line("c", "h", {{3, "4"}}) + counts_line("a", "f", {{4, "5"}}));
  folder_.write("function_durations_percentiles.anon.d02.csv", "HashApp,HashFunction,Average,Count\na,f,3,5\n");
  folder_.write("app_memory_percentiles.anon.d04.csv", "HashApp,AverageAllocatedMb\nb,17\n");
  folder_.write("README.md", "no day");
  Result<Trace> trace = read_trace(folder_.path());
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(trace->functions(), (std::vector<TraceFunction>{{.name = "f"}, {.name = "g", .memory_mib = 17}, {.name = "h"}}));
  EXPECT_EQ(trace->length(), std::chrono::hours(72));
  EXPECT_EQ(trace->next()->service, milliseconds(3));
  trace->rewind();
  EXPECT_EQ(counts_of(trace), (std::map<std::pair<int64_t, uint32_t>, int>{{{0, 0}, 1}, {{1, 1}, 2}, {{1442, 1}, 3}, {{2883, 2}, 4}, {{2884, 0}, 5}}));
}

TEST_F(TraceAzureTest, DaysMustFollowEachOther) {
  EXPECT_TRUE(read_trace(folder_.path()).error().message.contains("has no traces: a folder is read if"));
  folder_.write(day_ + "1.csv", names_line() + counts_line("a", "f"));
  folder_.write(day_ + "3.csv", names_line() + counts_line("a", "f"));
  EXPECT_TRUE(read_trace(folder_.path()).error().message.contains("has day 1 and day 3, but not day 2: days must follow each other"));
  folder_.write(day_ + "2.csv", "");
  EXPECT_TRUE(read_trace(folder_.path()).error().message.contains("d02.csv is empty"));
  folder_.write("invocations_per_function_md.anon.d1.csv", names_line() + counts_line("a", "f"));
  EXPECT_TRUE(read_trace(folder_.path()).error().message.contains("are both day 1"));
}

TEST_F(TraceAzureTest, BadCountsAreRefusedByLineAndColumn) {
  const std::string good = names_line() + counts_line("a", "f");
  std::string without_minute = good;
  without_minute.replace(without_minute.find(",77,"), 4, ",x,");
  std::string twice = names_line();
  twice.replace(twice.find("Trigger"), 7, "minute_5");
  struct Row {
    std::string bytes, words;
  };
  const Row rows[] = {
      {without_minute, "x-inv.csv, line 1: there is no column for minute 77 of 1440 ('77' or 'minute_77')"},
      {twice, "line 1: minute 5 has two columns"},
      {"HashApp,1,2\n", "line 1: there is no column 'HashFunction'"},
      {"HashFunction,1,2\n", "line 1: there is no column 'HashApp'"},
      {names_line(), "the trace has no functions"},
      {good + counts_line("a", "g", {{0, "-1"}}), "line 3, column 5 ('1'): '-1' is no count of calls, a whole number from 0 to 10000000"},
      {good + counts_line("a", "g", {{9, "1.5"}}), "line 3, column 14 ('10'): '1.5' is no count"},
      {good + counts_line("a", "g", {{9, "10000001"}}), "'10000001' is no count"},
      {good + counts_line("a", "g", {{9, "99999999999"}}), "'99999999999' is no count"},
      {good + counts_line("a", "g", {{1439, ""}}), "column 1444 ('1440'): '' is no count"},
      {good + counts_line("a", "g", {{1439, "0,"}}), "line 3: 1445 fields, but there are 1444 columns: column 1445 has no name"},
      {good + counts_line("a", "g", {{1439, "0,0,0,0,0"}}), "line 3: 1448 fields"},
      {good + "o,a,g,t,0,0,0,0,0\n", "line 3: 9 fields, but there are 1444 columns: there is none for column 10 ('6')"},
      {good + "o\n", "line 3: 1 fields, but there are 1444 columns: there is none for column 2 ('HashApp')"},
      {good + counts_line("", "g"), "line 3, column 2 ('HashApp'): it is empty"},
      {good + counts_line("b", "f") + counts_line("a", "f"), "line 4: the function 'f' of the app 'a' stands in this file twice"},
  };
  for (const Row& row : rows)
    EXPECT_TRUE(error_of(read(row.bytes)).contains(row.words)) << row.words << "\n" << error_of(read(row.bytes));
}

TEST_F(TraceAzureTest, BadFilesBesideAreRefusedToo) {
  const std::string good = names_line() + counts_line("a", "f");
  const std::string times = "HashApp,HashFunction,Average,Count\n";
  struct Row {
    std::string name, bytes, words;
  };
  const Row rows[] = {
      {"x-run.csv", "", "x-run.csv is empty"},
      {"x-run.csv", "HashApp,HashFunction,Count\n", "x-run.csv, line 1: there is no column 'Average'"},
      {"x-run.csv", times + "a,f,-1,1\n", "x-run.csv, line 2, column 3 ('Average'): '-1' is no number from 0"},
      {"x-run.csv", times + "a,f,nan,1\n", "'nan' is no number"},
      {"x-run.csv", times + "a,f,1e99,1\n", "'1e99' is no number"},
      {"x-run.csv", times + "a,f,1,1.5\n", "column 4 ('Count'): '1.5' is no whole number"},
      {"x-run.csv", times + "a,f,1\n", "line 2: 3 fields"},
      {"x-mem.csv", "HashApp\n", "x-mem.csv, line 1: there is no column 'AverageAllocatedMb'"},
      {"x-mem.csv", "HashApp,AverageAllocatedMb\na,x\n", "x-mem.csv, line 2, column 2 ('AverageAllocatedMb'): 'x' is no number"},
  };
  for (const Row& row : rows) {
    const auto file = folder_.write(row.name, row.bytes);
    EXPECT_TRUE(error_of(read(good)).contains(row.words)) << row.words << "\n" << error_of(read(good));
    std::filesystem::remove(file);
  }
}

TEST_F(TraceAzureTest, RandomTablesComeBackInOrder) {
  const char* given = std::getenv("EBB_SEED");
  const uint64_t seed = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  SCOPED_TRACE(testing::Message() << "repeat with EBB_SEED=" << seed);
  std::mt19937_64 random(seed);
  std::string bytes = names_line();
  std::map<std::pair<int64_t, uint32_t>, int> expected;
  for (uint32_t function = 0; function < 20; ++function) {
    Counts counts;
    for (uint64_t left = random() % 50; left > 0; --left) {
      const auto minute = static_cast<uint32_t>(random() % kMinutesOfDay);
      const int calls = static_cast<int>(1 + random() % (random() % 4 == 0 ? 500 : 3));
      counts[minute] = std::to_string(calls);
      expected[{minute, function}] = calls;
    }
    bytes += counts_line("app", fmt::format("{:016x}", random()), counts);
  }
  Result<Trace> trace = read(bytes);
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_EQ(counts_of(trace), expected);
  trace->rewind();
  const std::vector<TraceCall> calls = play(trace);
  EXPECT_EQ(calls.size(), trace->calls());
  EXPECT_TRUE(std::ranges::is_sorted(calls, {}, &TraceCall::at));
}

}  // namespace
}  // namespace ebb::plan
