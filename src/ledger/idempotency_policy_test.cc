// Rows of the policy's table.
#include "ledger/idempotency_policy.h"

#include <gtest/gtest.h>

#include <vector>

#include "domain/limits.h"

namespace ebb::ledger {
namespace {

using State = domain::KeptAnswer::State;

TEST(IdempotencyPolicy, AKeyIsOneLineOfPrintableAscii) {
  struct Row {
    std::vector<std::string_view> values;
    bool taken;
  };
  const std::string longest(domain::kIdempotencyKeyBytesMax, 'k');
  const std::string longer = longest + 'k';
  const std::vector<Row> rows{
      {{"8e03978e-40d5-43e8-bc93-6894a57f9324"}, true},
      {{"\"quoted, as the draft has it\""}, true},
      {{" ~"}, true},
      {{longest}, true},
      {{longer}, false},
      {{""}, false},
      {{}, false},
      {{"a", "a"}, false},
      {{"a\tb"}, false},
      {{"a\x7f"}, false},
      {{"sch\xc3\xb6n"}, false},
      {{std::string_view("a\0b", 3)}, false},
  };
  for (const Row& row : rows) {
    const Result<std::string_view> key = check_key(row.values);
    ASSERT_EQ(key.has_value(), row.taken) << (row.values.empty() ? "none" : row.values[0]);
    if (key) {
      EXPECT_EQ(*key, row.values[0]);
    } else {
      EXPECT_EQ(key.error().kind, ErrorKind::kInvalid);
      EXPECT_EQ(key.error().param, "Idempotency-Key");
    }
  }
}

TEST(IdempotencyPolicy, WhatIsKnownOfAKey) {
  const auto kept = [](State state) { return domain::KeptAnswer{.parameters = "same", .state = state}; };
  struct Row {
    std::optional<domain::KeptAnswer> kept;
    std::string_view parameters;
    Known known;
  };
  const std::vector<Row> rows{
      {std::nullopt, "same", Known::kRun},
      {kept(State::kWhole), "same", Known::kReplay},
      {kept(State::kTooLarge), "same", Known::kNotKept},
      {kept(State::kBegun), "same", Known::kAskBook},
      {kept(State::kWhole), "other", Known::kReused},
      {kept(State::kTooLarge), "other", Known::kReused},
      {kept(State::kBegun), "other", Known::kReused},
  };
  for (const Row& row : rows)
    EXPECT_EQ(look(row.kept, row.parameters), row.known) << &row - rows.data();
}

TEST(IdempotencyPolicy, ACallCountsOnceItAnsweredOrIsPaidFor) {
  using domain::Outcome;
  struct Row {
    Outcome outcome;
    int64_t billed_ms;
    domain::Pico cost;
    bool counts;
  };
  for (const Row& row : std::vector<Row>{{Outcome::kOk, 0, 0, true},
                                         {Outcome::kOk, 1, 1, true},
                                         {Outcome::kTimeout, 5, 5, true},
                                         {Outcome::kTimeout, 5, 0, true},
                                         {Outcome::kTimeout, 0, 0, false},
                                         {Outcome::kLeft, 1, 1, true},
                                         {Outcome::kLeft, 0, 0, false},
                                         {Outcome::kFailed, 2, 2, true},
                                         {Outcome::kRefused, 0, 0, false},
                                         {Outcome::kFault, 0, 0, false}})
    EXPECT_EQ(counts({.outcome = row.outcome, .billed_ms = row.billed_ms, .cost = row.cost}), row.counts)
        << to_string(row.outcome) << ' ' << row.billed_ms << ' ' << row.cost;
}

TEST(IdempotencyPolicy, WhileItIsBeingAnswered) {
  struct Row {
    bool same;
    Waiting waiting;
    Meanwhile then;
  };
  const std::vector<Row> rows{
      {true, {.for_this = 0, .in_all = 0}, Meanwhile::kWait},
      {true, {.for_this = domain::kRepeatsOfOneMax - 1, .in_all = domain::kRepeatsMax - 1}, Meanwhile::kWait},
      {true, {.for_this = domain::kRepeatsOfOneMax, .in_all = domain::kRepeatsOfOneMax}, Meanwhile::kInProgress},
      {true, {.for_this = 0, .in_all = domain::kRepeatsMax}, Meanwhile::kInProgress},
      {false, {.for_this = 0, .in_all = 0}, Meanwhile::kReused},
      {false, {.for_this = domain::kRepeatsOfOneMax, .in_all = domain::kRepeatsMax}, Meanwhile::kReused},
  };
  for (const Row& row : rows)
    EXPECT_EQ(join(row.same, row.waiting), row.then) << &row - rows.data();
}

TEST(IdempotencyPolicy, WhatIsKeptAtTheEnd) {
  struct Row {
    End end;
    Keep keep;
  };
  const std::vector<Row> rows{
      {{.began = false, .counts = std::nullopt, .recorded = true}, Keep::kNothing},
      {{.began = false, .counts = false, .recorded = false}, Keep::kNothing},
      {{.began = true, .counts = true, .recorded = true}, Keep::kWhole},
      {{.began = true, .counts = true, .recorded = false}, Keep::kTooLarge},
      {{.began = true, .counts = false, .recorded = true}, Keep::kNothing},
      {{.began = true, .counts = false, .recorded = false}, Keep::kNothing},
      {{.began = true, .counts = std::nullopt, .recorded = true}, Keep::kBegun},
      {{.began = true, .counts = std::nullopt, .recorded = false}, Keep::kBegun},
  };
  for (const Row& row : rows)
    EXPECT_EQ(keep(row.end), row.keep) << &row - rows.data();
}

}  // namespace
}  // namespace ebb::ledger
