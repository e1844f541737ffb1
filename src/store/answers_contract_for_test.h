// What every back end of the kept answers must do. A back end is as in accounts_contract_for_test.h, with open(AnswerBounds).
#pragma once

#include <gtest/gtest.h>

#include "store/answers.h"

namespace ebb::store {

template <class Backend>
class AnswersContract : public testing::Test {
 protected:
  using State = domain::KeptAnswer::State;

  AnswersContract() { open(); }
  void open(AnswerBounds bounds = {}) {
    answers_.reset();
    auto answers = backend_.open(bounds);
    ASSERT_TRUE(answers) << answers.error().message;
    answers_ = std::move(*answers);
  }
  static WallTime at(int64_t ms) { return WallTime(milliseconds(1'700'000'000'000 + ms)); }
  static domain::KeptAnswer begun(const std::string& id, int64_t ms, const std::string& tenant = "acme") {
    return {.id = id, .tenant = tenant, .parameters = "00ff", .endpoint = "chat", .request = "req_1", .first_call = CallId{7}, .calls = 2, .begun = at(ms)};
  }
  static domain::KeptAnswer whole(const std::string& id, int64_t ms, const std::string& tenant = "acme", const std::string& answer = "x") {
    domain::KeptAnswer out = begun(id, ms, tenant);
    out.ended = at(ms + 1);
    out.state = State::kWhole;
    out.answer = answer;
    return out;
  }
  void put(std::vector<domain::KeptAnswer> puts) {
    const Status applied = answers_->apply({.puts = std::move(puts), .forgets = {}, .now = at(0)});
    ASSERT_TRUE(applied) << applied.error().message;
  }
  std::string there(const std::vector<std::string>& ids, int64_t ms = 0) {
    std::string found;
    for (const std::string& id : ids)
      if (answers_->find(id, at(ms))->has_value()) found += id;
    return found;
  }

  Backend backend_;
  std::unique_ptr<Answers> answers_;
};
TYPED_TEST_SUITE_P(AnswersContract);

TYPED_TEST_P(AnswersContract, KeepsWhatItIsGiven) {
  auto& self = *this;
  const std::string bytes = std::string("HTTP\0\r\n", 7) + "\xff\xc3" + std::string(100'000, 'x');
  self.put({self.begun("a", 0), self.begun("b", 1)});
  self.put({self.whole("b", 1, "acme", bytes)});
  self.open();
  EXPECT_EQ(**self.answers_->find("a", self.at(5)), self.begun("a", 0));
  EXPECT_EQ(**self.answers_->find("b", self.at(5)), self.whole("b", 1, "acme", bytes));
  EXPECT_FALSE(self.answers_->find("c", self.at(5))->has_value());
}

TYPED_TEST_P(AnswersContract, ForgetsWhatItIsToldTo) {
  auto& self = *this;
  self.put({self.begun("a", 0), self.whole("b", 0)});
  ASSERT_TRUE(self.answers_->apply({.puts = {}, .forgets = {"a", "nobody"}, .now = self.at(0)}));
  self.open();
  EXPECT_EQ(self.there({"a", "b"}), "b");
}

TYPED_TEST_P(AnswersContract, NothingIsOlderThanItsTime) {
  auto& self = *this;
  const int64_t day = domain::kKeptAnswerTimeMax.count();
  domain::KeptAnswer c = self.whole("c", 0);  // took a day
  c.ended = self.at(day);
  self.put({self.whole("a", -1), self.begun("b", 10), c});
  EXPECT_EQ(self.there({"a", "b", "c"}, day - 1), "abc");
  EXPECT_EQ(self.there({"a", "b", "c"}, day), "bc") << "also before anything is written";
  ASSERT_TRUE(self.answers_->apply({.puts = {}, .forgets = {}, .now = self.at(day + 10)}));
  EXPECT_EQ(self.there({"a", "b", "c"}), "c");
}

TYPED_TEST_P(AnswersContract, OfATenantSoManyAreKept) {
  auto& self = *this;
  self.open({.per_tenant = 3});
  self.put({self.begun("a", 0), self.whole("b", 5), self.whole("c", 1), self.whole("o", 0, "other")});
  self.put({self.begun("d", 6)});
  EXPECT_EQ(self.there({"a", "b", "c", "d", "o"}), "abdo") << "what ended first goes first, and only of this tenant";
  self.put({self.whole("a", 0)});
  EXPECT_EQ(self.there({"a", "b", "c", "d", "o"}), "abdo") << "the later word of one that is there takes no room";
  self.put({self.begun("e", 7), self.begun("f", 8), self.begun("g", 9)});
  EXPECT_EQ(self.there({"a", "b", "d", "e", "f", "g", "o"}), "efgo") << "at last what is only begun, the oldest first";
}

TYPED_TEST_P(AnswersContract, OfATenantAndInAllSoManyBytesAreKept) {
  auto& self = *this;
  const int64_t row = kKeptAnswerRowBytes + 1000;
  const std::string bytes(1000, 'x');
  self.open({.bytes_per_tenant = 3 * row, .bytes_in_all = 4 * row});
  self.put({self.whole("a", 0, "acme", bytes), self.whole("b", 1, "acme", bytes), self.whole("c", 2, "acme", bytes)});
  EXPECT_EQ(self.there({"a", "b", "c"}), "abc");
  self.put({self.whole("d", 3, "acme", bytes + "y")});
  EXPECT_EQ(self.there({"a", "b", "c", "d"}), "cd") << "a byte more takes two of them";
  self.put({self.whole("e", 4, "other", bytes), self.whole("f", 5, "third", bytes)});
  EXPECT_EQ(self.there({"c", "d", "e", "f"}), "def");
  self.open({.in_all = 2});
  self.put({self.whole("g", 6, "fourth", bytes)});
  EXPECT_EQ(self.there({"d", "e", "f", "g"}), "fg") << "bounds hold for what was there";
}

REGISTER_TYPED_TEST_SUITE_P(AnswersContract, KeepsWhatItIsGiven, ForgetsWhatItIsToldTo, NothingIsOlderThanItsTime, OfATenantSoManyAreKept,
                            OfATenantAndInAllSoManyBytesAreKept);

}  // namespace ebb::store
