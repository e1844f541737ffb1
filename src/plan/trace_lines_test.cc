// Files as they come: other line ends, marks, no end, and what is no text.
#include "plan/trace_lines.h"

#include <gtest/gtest.h>

#include "io/folder_for_test.h"
#include "plan/trace_call.h"

namespace ebb::plan {
namespace {

std::string repeated(const std::string& text, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i)
    out += text;
  return out;
}

// All lines; the last element is the error, if there was one.
std::vector<std::string> read_all(const std::string& bytes) {
  const io::FolderForTest folder;
  Result<TraceLines> lines = TraceLines::open(folder.write("t", bytes));
  std::vector<std::string> out;
  for (;;) {
    const auto line = lines->next();
    if (!line) out.push_back(line.error().message.substr(folder.path().string().size()));
    if (!line || !*line) return out;
    out.emplace_back(**line);
  }
}

TEST(TraceLines, OfEveryKind) {
  const std::string longest(kTraceLineBytesMax, 'x');
  struct Row {
    std::string bytes;
    std::vector<std::string> lines;
  };
  const Row rows[] = {
      {"", {}},
      {"\n\r\n", {}},
      {"a", {"a"}},
      {"a\nb\n", {"a", "b"}},
      {"a\r\n\r\nb\r\n\n", {"a", "b"}},
      {"\xEF\xBB\xBF"
       "a\n\xEF\xBB\xBF"
       "b",
       {"a",
        "\xEF\xBB\xBF"
        "b"}},
      {"\xEF\xBB\xBF", {}},
      {"a\r\r\n", {"a\r"}},
      {longest + "\r\n" + longest + "\n" + longest, {longest, longest, longest}},
      {repeated("0123456789\n", 500'000), std::vector<std::string>(500'000, "0123456789")},
      {"a\n" + longest + "x\n", {"a", "/t, line 2: the line is longer than 1048576 bytes"}},
      {longest + longest + longest, {"/t, line 1: the line is longer than 1048576 bytes"}},
      {std::string("a\n\nb\0c\n", 7), {"a", "/t, line 3: a NUL byte at byte 2: this is no text"}},
  };
  for (const Row& row : rows)
    EXPECT_TRUE(read_all(row.bytes) == row.lines) << row.bytes.substr(0, 20);
}

TEST(TraceLines, WhatCannotBeOpenedOrRead) {
  const io::FolderForTest folder;
  const Result<TraceLines> missing = TraceLines::open(folder.path("none"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().kind, ErrorKind::kNotFound);
  EXPECT_TRUE(missing.error().message.contains("none: No such file")) << missing.error().message;
  Result<TraceLines> lines = TraceLines::open(folder.path());
  ASSERT_TRUE(lines);
  EXPECT_EQ(lines->next().error().kind, ErrorKind::kIo);
}

TEST(TraceLines, WhatIsShownOfAFileHarmsNoTerminal) {
  EXPECT_EQ(shown("a\x1B[31m\x7F"), "a?[31m?");
  EXPECT_EQ(shown(std::string(50, 'a')), std::string(40, 'a') + "…");
}

}  // namespace
}  // namespace ebb::plan
