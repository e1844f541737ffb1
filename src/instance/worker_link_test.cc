// Rows of frames that a worker may and may not send.
#include "instance/worker_link.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "domain/limits.h"
#include "wire/worker.pb.h"
#include "wire/worker_call.h"

namespace ebb::instance {
namespace {

using wire::Frame;
using wire::FrameType;

constexpr CallId kCall{5};

Frame started(int64_t prompt_tokens) {
  wire::pb::Started body;
  body.set_prompt_tokens(prompt_tokens);
  return {.type = FrameType::kStarted, .stream = kCall.value, .body = body.SerializeAsString()};
}

Frame text(std::string what, int64_t tokens) {
  wire::pb::Text body;
  body.set_text(std::move(what));
  body.set_tokens(tokens);
  return {.type = FrameType::kText, .stream = kCall.value, .body = body.SerializeAsString()};
}

Frame finished(int64_t prompt_tokens, int64_t completion_tokens) {
  wire::pb::Finished body;
  body.set_prompt_tokens(prompt_tokens);
  body.set_completion_tokens(completion_tokens);
  return {.type = FrameType::kFinished, .stream = kCall.value, .body = body.SerializeAsString()};
}

Frame ready(int slots) {
  wire::pb::Ready body;
  body.set_slots(slots);
  return {.type = FrameType::kReady, .stream = 0, .body = body.SerializeAsString()};
}

Frame vector(std::vector<float> values) { return {.type = FrameType::kVector, .stream = kCall.value, .body = wire::encode_vector(values)}; }

WorkerLink link_with_call(const domain::Call& call = {}) {
  WorkerLink link;
  link.worker = WorkerId{1};
  link.running[kCall] = WorkerLink::running_for(call);
  return link;
}

bool accepts(WorkerLink link, const std::vector<Frame>& frames) {
  return std::ranges::all_of(frames, [&link](const Frame& frame) { return read_frame(link, frame).has_value(); });
}

struct Row {
  const char* name;
  std::vector<Frame> frames;
  bool accepted;
};

TEST(BelievedEnd, IsWithinMillisecondsOfWhatTheServerSees) {
  const MonoTime now{seconds(50)};
  const struct {
    const char* name;
    MonoTime said;
    MonoTime believed;
  } rows[] = {
      {"a moment ago", now - microseconds(1300), now - microseconds(1300)},
      {"just now", now, now},
      {"long ago", now - seconds(3), now - milliseconds(10)},
      {"before the machine was there", MonoTime(nanoseconds(INT64_MIN)), now - milliseconds(10)},
      {"to come", now + nanoseconds(1), now},
      {"at the end of time", MonoTime::max(), now},
      {"it says nothing", MonoTime(), now},
  };
  for (const auto& row : rows)
    EXPECT_EQ(believed_end(row.said, now), row.believed) << row.name;
}

TEST(ReadFrame, AcceptsWhatFitsAndNothingElse) {
  const int64_t huge = int64_t{1} << 60;
  const Row rows[] = {
      {"a whole call", {started(3), text("a", 1), text("", 1), finished(3, 2)}, true},
      {"a call without text", {started(3), finished(3, 0)}, true},
      {"text before the start", {text("a", 1)}, false},
      {"two starts", {started(3), started(3)}, false},
      {"negative prompt", {started(-1)}, false},
      {"huge prompt", {started(huge)}, false},
      {"negative tokens", {started(3), text("a", -1)}, false},
      {"tokens that overflow", {started(3), text("a", 5), text("a", domain::kContextTokensMax)}, false},
      {"more tokens claimed than passed", {started(3), text("a", 1), finished(3, 2)}, false},
      {"fewer tokens claimed than passed", {started(3), text("a", 2), finished(3, 1)}, false},
      {"another prompt at the end", {started(3), finished(4, 0)}, false},
      {"text after the end", {started(3), finished(3, 0), text("a", 1)}, false},
      {"a call that is not there", {{.type = FrameType::kText, .stream = 6, .body = ""}}, false},
      {"a body that does not parse", {{.type = FrameType::kStarted, .stream = kCall.value, .body = "\xff\xff\xff"}}, false},
      {"ready", {ready(4)}, true},
      {"too many slots", {ready(domain::kSlotsPerWorkerMax + 1)}, false},
      {"negative slots", {ready(-1)}, false},
      {"a frame meant for workers", {{.type = FrameType::kExecute, .stream = 0, .body = ""}}, false},
      {"a frame meant for workers, in a call", {{.type = FrameType::kExecute, .stream = kCall.value, .body = ""}}, false},
      {"a hold of its own", {{.type = FrameType::kHold, .stream = kCall.value, .body = ""}}, false},
      {"an unknown type", {{.type = static_cast<FrameType>(999), .stream = 0, .body = ""}}, false},
  };
  for (const Row& row : rows)
    EXPECT_EQ(accepts(link_with_call(), row.frames), row.accepted) << row.name;
}

TEST(ReadFrame, VectorsAreAsManyAsTexts) {
  const domain::Call call{.input = domain::Texts{.inputs = {{.text = "a"}, {.text = "b"}}}};
  const Frame one = vector({1, 0});
  const Row rows[] = {
      {"one for each text", {started(3), one, one, finished(3, 0)}, true},
      {"too few", {started(3), one, finished(3, 0)}, false},
      {"too many", {started(3), one, one, one}, false},
      {"before the start", {one}, false},
      {"of different sizes", {started(3), one, vector({1})}, false},
      {"empty", {started(3), vector({})}, false},
      {"no number", {started(3), vector({NAN})}, false},
      {"infinite", {started(3), vector({INFINITY})}, false},
      {"too large", {started(3), vector(std::vector<float>(domain::kVectorValuesMax + 1))}, false},
      {"more tokens than two contexts", {started(2 * int64_t{domain::kContextTokensMax} + 1)}, false},
      {"more tokens than one context", {started(domain::kContextTokensMax + 1)}, true},
  };
  for (const Row& row : rows)
    EXPECT_EQ(accepts(link_with_call(call), row.frames), row.accepted) << row.name;
  EXPECT_FALSE(accepts(link_with_call(), {started(3), one})) << "for a call of another kind";
}

TEST(ReadFrame, HoldsACallToWhatItAskedFor) {
  domain::Call call;
  call.sampling.max_tokens = 2;
  EXPECT_TRUE(accepts(link_with_call(call), {started(3), text("a", 1), text("b", 1)}));
  EXPECT_FALSE(accepts(link_with_call(call), {started(3), text("a", 1), text("b", 2)}));
  // A token with log probabilities may take more, but not without measure.
  call.sampling.max_tokens = 100;
  std::vector<Frame> much{started(3)};
  much.insert(much.end(), 5, text(std::string(200'000, 'x'), 1));
  much.push_back(text(std::string(100'000, 'x'), 1));
  EXPECT_FALSE(accepts(link_with_call(call), much));
  call.sampling.top_logprobs = 20;
  EXPECT_TRUE(accepts(link_with_call(call), much));
  much.push_back(text(std::string(100'000, 'x'), 1));
  EXPECT_FALSE(accepts(link_with_call(call), much));
}

TEST(ReadFrame, BoundsTextByItsTokens) {
  const std::string much(200'000, 'x');
  const auto accepts_with = [&](int64_t tokens) {
    WorkerLink link = link_with_call();
    bool accepted = read_frame(link, started(3)).has_value();
    for (int i = 0; i < 20 && accepted; ++i)
      accepted = read_frame(link, text(much, tokens)).has_value();
    return accepted;
  };
  EXPECT_FALSE(accepts_with(0));
  EXPECT_FALSE(accepts_with(25));
  EXPECT_TRUE(accepts_with(200));
}

TEST(ReadFrame, CallsOfToolsComeInOrder) {
  const auto call = [](int index, const std::string& name) {
    return Frame{.type = FrameType::kText,
                 .stream = kCall.value,
                 .body = wire::encode_text({.text = "{", .tokens = 1, .part = domain::Part::kToolCall, .tool_index = index, .tool_name = name})};
  };
  struct Order {
    std::vector<Frame> frames;
    bool accepted;
  };
  const Order orders[] = {
      {{call(0, "f"), call(0, ""), call(1, "g"), call(1, "")}, true},
      {{call(0, "")}, false},
      {{call(1, "f")}, false},
      {{call(0, "f"), call(1, "")}, false},
      {{call(0, "f"), call(0, "g")}, false},
      {{call(0, "f"), call(1, "g"), call(0, "")}, false},
  };
  for (const Order& order : orders) {
    std::vector<Frame> frames{started(3)};
    frames.insert(frames.end(), order.frames.begin(), order.frames.end());
    EXPECT_EQ(accepts(link_with_call(), frames), order.accepted) << &order - orders;
  }
}

TEST(ReadFrame, CountsTokensItself) {
  WorkerLink link = link_with_call();
  ASSERT_TRUE(read_frame(link, started(3)));
  ASSERT_TRUE(read_frame(link, text("ab", 2)));
  const auto end = read_frame(link, finished(3, 2));
  ASSERT_TRUE(end && *end);
  EXPECT_EQ(std::get<CallFinished>(**end).finished.completion_tokens, 2);
  EXPECT_TRUE(link.running.empty());
}

TEST(ReadFrame, KeepsWhyAModelDidNotLoad) {
  WorkerLink link = link_with_call();
  wire::pb::LoadFailed body;
  body.set_message("no such tensor");
  const auto read = read_frame(link, {.type = FrameType::kLoadFailed, .stream = 0, .body = body.SerializeAsString()});
  ASSERT_TRUE(read);
  EXPECT_FALSE(read->has_value()) << "it is told with the worker's end";
  EXPECT_EQ(link.own_error->message, "no such tensor");
}

}  // namespace
}  // namespace ebb::instance
