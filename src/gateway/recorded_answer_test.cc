// What is written is read again; what was cut or changed is said.
#include "gateway/recorded_answer.h"

#include <gtest/gtest.h>

namespace ebb::gateway {
namespace {

RecordedAnswer sample() {
  RecordedAnswer answer;
  answer.response = {.status = 201, .content_type = "text/plain; charset=x", .headers = {{"Set-Cookie", "a"}, {"Set-Cookie", "b\xff"}, {"Empty", ""}}};
  answer.response.body = std::string("one\ntwo\0three\r\n", 15);
  answer.response.foreign = true;
  answer.form = AnswerForm::kCut;
  answer.length = 99;
  answer.trailers = {{"X-Sum", "1"}};
  return answer;
}

void expect_same(const RecordedAnswer& a, const RecordedAnswer& b) {
  EXPECT_EQ(a.response.status, b.response.status);
  EXPECT_EQ(a.response.content_type, b.response.content_type);
  EXPECT_EQ(a.response.headers, b.response.headers);
  EXPECT_EQ(a.response.body, b.response.body);
  EXPECT_EQ(a.response.foreign, b.response.foreign);
  EXPECT_EQ(a.form, b.form);
  EXPECT_EQ(a.length, b.length);
  EXPECT_EQ(a.trailers, b.trailers);
}

TEST(RecordedAnswer, ComesBackAsItWas) {
  for (const RecordedAnswer& answer : {sample(), RecordedAnswer{}, RecordedAnswer{.form = AnswerForm::kStream}}) {
    const Result<RecordedAnswer> read = read_recorded(write_recorded(answer));
    ASSERT_TRUE(read) << read.error().message;
    expect_same(*read, answer);
  }
}

TEST(RecordedAnswer, AHeaderCannotEndItsLine) {
  RecordedAnswer answer;
  answer.response.headers = {{"A", "x\r\ny"}};
  EXPECT_EQ(read_recorded(write_recorded(answer))->response.headers.front().second, "x  y");
}

TEST(RecordedAnswer, WhatIsBrokenIsSaid) {
  const std::string text = write_recorded(sample());
  const size_t head = text.size() - sample().response.body.size();
  for (size_t length = 0; length < head; ++length)
    EXPECT_FALSE(read_recorded(text.substr(0, length))) << length;
  EXPECT_TRUE(read_recorded(text.substr(0, head)));
  EXPECT_FALSE(read_recorded("x" + text));
  std::string form = text;
  form[form.find("cut")] = 'k';
  EXPECT_EQ(read_recorded(form).error().kind, ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace ebb::gateway
