// What is pure: numbers, tables, lines, progress.
#include <gtest/gtest.h>

#include "cli/chat.h"
#include "cli/human.h"
#include "cli/lines.h"
#include "cli/progress.h"
#include "cli/table.h"

namespace ebb::cli {
namespace {

TEST(Human, Numbers) {
  const std::pair<uint64_t, std::string_view> sizes[] = {{0, "0 B"},
                                                         {1023, "1023 B"},
                                                         {1024, "1.0 KiB"},
                                                         {98'362'432, "93.8 MiB"},
                                                         {1048575, "1.0 MiB"},
                                                         {1023ULL << 20U, "1023 MiB"},
                                                         {2ULL << 30U, "2.0 GiB"},
                                                         {150ULL << 40U, "150 TiB"}};
  for (const auto& [bytes, want] : sizes)
    EXPECT_EQ(human_bytes(bytes), want);
  const std::pair<uint64_t, std::string_view> counts[] = {
      {0, "0"}, {999, "999"}, {1234, "1.2 k"}, {134'515'008, "135 M"}, {999'999, "1.0 M"}, {70'600'000'000, "70.6 G"}};
  for (const auto& [count, want] : counts)
    EXPECT_EQ(human_count(count), want);
  const std::pair<int64_t, std::string_view> times[] = {{0, "0.0 ms"},
                                                        {45'678, "0.0 ms"},
                                                        {4'160'000, "4.2 ms"},
                                                        {45'600'000, "46 ms"},
                                                        {1'254'000'000, "1.25 s"},
                                                        {125'000'000'000, "2 min 5 s"},
                                                        {11'040'000'000'000, "3 h 4 min"},
                                                        {176'400'000'000'000, "2 d 1 h"}};
  for (const auto& [ns, want] : times)
    EXPECT_EQ(human_time(nanoseconds(ns)), want);
  const std::pair<int64_t, std::string_view> ages[] = {
      {0, "now"}, {999, "now"}, {12'000, "12 s ago"}, {180'000, "3 min ago"}, {7'200'000, "2 h ago"}, {432'000'000, "5 d ago"}};
  for (const auto& [ms, want] : ages)
    EXPECT_EQ(human_age(milliseconds(ms)), want);
}

TEST(Human, Columns) {
  EXPECT_EQ(columns_of("abc"), 3U);
  EXPECT_EQ(columns_of("mü…"), 3U);
  EXPECT_EQ(columns_of("e\xcc\x81"), 1U);  // combining accent
  EXPECT_EQ(columns_of("日本"), 4U);
  EXPECT_EQ(columns_of("😀"), 2U);
  EXPECT_LE(columns_of("\xff\xf0"), 2U);  // no UTF-8: something, and no crash
}

TEST(Output, PrintableDropsWhatSteersATerminal) {
  EXPECT_EQ(printable("a\tb\nc ü 😀"), "a\tb\nc ü 😀");
  EXPECT_EQ(printable("\033[2J\r\x7f"), "\xef\xbf\xbd[2J\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(printable("\xc2\x9b"
                      "1m"),
            "\xef\xbf\xbd"
            "1m");
}

TEST(Table, AlignsByColumnsAndLeavesNoTrailingSpaces) {
  Table table({{"NAME"}, {"N", Align::kRight}, {"WORD"}, {"LAST"}});
  table.add({{"日本", Style::kBold}, {"1"}, {"a\nb"}, {""}});
  table.add({{"x"}, {"1234"}, {""}, {"end", Style::kRed}});
  EXPECT_EQ(table.render(Output(-1, Output::Kind::kPipe)),
            "NAME     N  WORD  LAST\n"
            "日本     1  a b\n"
            "x     1234        end\n");
  EXPECT_EQ(table.render(Output(-1, Output::Kind::kColourTerminal)),
            "\033[1mNAME\033[0m     \033[1mN\033[0m  \033[1mWORD\033[0m  \033[1mLAST\033[0m\n"
            "\033[1m日本\033[0m     1  a b\n"
            "x     1234        \033[31mend\033[0m\n");
}

TEST(Lines, AnyCutGivesTheSameLines) {
  const std::string text = "one\r\n\ntwo three\nlast";
  for (size_t step = 1; step <= text.size(); ++step) {
    std::vector<std::string> lines;
    LineSplitter splitter([&](std::string_view line) {
      lines.emplace_back(line);
      return true;
    });
    for (size_t at = 0; at < text.size(); at += step)
      EXPECT_TRUE(splitter.feed(std::string_view(text).substr(at, step)));
    EXPECT_TRUE(splitter.finish());
    EXPECT_EQ(lines, (std::vector<std::string>{"one", "", "two three", "last"})) << step;
  }
}

TEST(Lines, EndsWhenToldOrTooLong) {
  int taken = 0;
  LineSplitter told([&](std::string_view) { return ++taken < 2; });
  EXPECT_FALSE(told.feed("a\nb\nc\n"));
  EXPECT_FALSE(told.feed("d\n"));
  EXPECT_EQ(taken, 2);
  EXPECT_FALSE(told.too_long());
  LineSplitter endless([](std::string_view) { return true; });
  const std::string half(kLineBytesMax / 2 + 1, 'x');
  EXPECT_TRUE(endless.feed(half));
  EXPECT_FALSE(endless.feed(half));
  EXPECT_TRUE(endless.too_long());
}

TEST(Lines, SseData) {
  EXPECT_EQ(sse_data("data: {\"a\":1}"), "{\"a\":1}");
  EXPECT_EQ(sse_data("data:x"), "x");
  EXPECT_FALSE(sse_data(": ping"));
  EXPECT_FALSE(sse_data(""));
  EXPECT_FALSE(sse_data("event: x"));
}

TEST(Chat, ReadsLines) {
  EXPECT_EQ(read_chat_line(R"(data: {"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":null}],"usage":null})")->text, "Hi");
  EXPECT_EQ(read_chat_line(R"(data: {"choices":[{"index":0,"delta":{},"finish_reason":"length"}]})")->finish_reason, "length");
  const auto usage =
      read_chat_line(R"(data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7,"ebb":{"cost":"0.00001","billed_ms":12,"tier":"parked"}}})");
  EXPECT_EQ(usage->prompt_tokens, 5);
  EXPECT_EQ(usage->completion_tokens, 7);
  EXPECT_EQ(usage->cost, "0.00001");
  EXPECT_EQ(usage->billed_ms, 12);
  EXPECT_EQ(usage->tier, "parked");
  for (const std::string_view nothing : {"", ": ping", "data: [DONE]", "data: 7x", "data: {\"choices\":[{\"delta\":7}]}"}) {
    const auto delta = read_chat_line(nothing);
    if (delta) {
      EXPECT_EQ(delta->text, "") << nothing;
    }
  }
  const auto error = read_chat_line(R"(data: {"error":{"message":"the worker died","type":"server_error","param":null,"code":"worker_died"}})");
  ASSERT_FALSE(error);
  EXPECT_EQ(error.error().message, "the worker died");
}

TEST(Progress, Renders) {
  constexpr uint64_t kMib = 1ULL << 20U;
  EXPECT_EQ(render_progress("download", 40 * kMib, 100 * kMib, seconds(4), 120),
            "download  [#########---------------]   40 %  40.0 MiB of 100 MiB  10.0 MiB/s  6 s left");
  EXPECT_EQ(render_progress("download", 40 * kMib, 100 * kMib, milliseconds(100), 120), "download  [#########---------------]   40 %  40.0 MiB of 100 MiB");
  EXPECT_EQ(render_progress("hash", 100 * kMib, 100 * kMib, seconds(1), 120), "hash  [########################]  100 %  100 MiB of 100 MiB  100 MiB/s");
  EXPECT_EQ(render_progress("download", 3 * kMib, 0, seconds(1), 120), "download  3.0 MiB  3.0 MiB/s");
  EXPECT_EQ(render_progress("download", 40 * kMib, 100 * kMib, seconds(4), 50), "download  [#########---------------]   40 %");
}

}  // namespace
}  // namespace ebb::cli
