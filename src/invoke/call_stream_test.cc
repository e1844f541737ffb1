// The stream delivers in order, merges waiting text, ends once, and is cut when its reader is too slow; several are read as one.
#include "invoke/call_streams.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "domain/limits.h"

namespace ebb::invoke {
namespace {

struct Reader {
  io::asio::io_context loop;
  std::vector<CallId> left;
  std::shared_ptr<CallStream> stream =
      std::make_shared<CallStream>(loop.get_executor(), CallId{7}, StreamHooks{.left = [this](CallId call) { left.push_back(call); }});
  std::vector<domain::CallEvent> got;

  void read_to_end() {
    io::asio::co_spawn(loop, read(stream, got), io::asio::detached);
    loop.run();
    loop.restart();
  }
  static io::Task<void> read(std::shared_ptr<CallStream> stream, std::vector<domain::CallEvent>& got) {
    CallStreams streams({std::move(stream)});
    for (;;) {
      std::optional<CallStreams::Next> next = co_await streams.next();
      if (!next) co_return;
      got.push_back(std::move(std::get<CallStreams::Event>(*next).event));
    }
  }
};

TEST(CallStream, DeliversInOrderAndMergesTextThatWaits) {
  Reader reader;
  EXPECT_TRUE(reader.stream->push(domain::Started{.prompt_tokens = 3}));
  EXPECT_TRUE(reader.stream->push(domain::Text{.text = "a", .tokens = 1}));
  EXPECT_TRUE(reader.stream->push(domain::Text{.text = "b", .tokens = 1}));
  EXPECT_TRUE(reader.stream->push(domain::Finished{.completion_tokens = 2}));
  reader.read_to_end();
  ASSERT_EQ(reader.got.size(), 3U);
  EXPECT_EQ(std::get<domain::Text>(reader.got[1]).text, "ab");
  EXPECT_EQ(std::get<domain::Text>(reader.got[1]).tokens, 2);
  reader.stream.reset();
  EXPECT_TRUE(reader.left.empty()) << "a stream that ended is not left";
}

TEST(CallStream, WakesAReaderThatWaits) {
  Reader reader;
  io::asio::post(reader.loop, [&] { reader.stream->push(domain::Finished{}); });
  reader.read_to_end();
  EXPECT_EQ(reader.got.size(), 1U);
}

TEST(CallStream, TellsOnceWhenTheReaderLeaves) {
  Reader reader;
  reader.stream->push(domain::Text{.text = "a", .tokens = 1});
  reader.stream->leave();
  reader.stream->leave();
  EXPECT_TRUE(reader.stream->push(domain::Text{.text = "b", .tokens = 1}));
  reader.read_to_end();
  EXPECT_TRUE(reader.got.empty());
  reader.stream.reset();
  EXPECT_EQ(reader.left, std::vector<CallId>{CallId{7}});
}

TEST(CallStream, IsCutWhenTheReaderIsTooSlow) {
  Reader reader;
  const std::string piece(domain::kStreamBufferBytesMax / 2, 'x');
  EXPECT_TRUE(reader.stream->push(domain::Text{.text = piece, .tokens = 1}));
  EXPECT_TRUE(reader.stream->push(domain::Text{.text = piece, .tokens = 1}));
  EXPECT_FALSE(reader.stream->push(domain::Text{.text = "x", .tokens = 1}));
  reader.read_to_end();
  ASSERT_EQ(reader.got.size(), 2U);
  EXPECT_EQ(std::get<domain::Failed>(reader.got[1]).error.kind, ErrorKind::kTimeout);
}

TEST(CallStream, MergesOnlyWhatBelongsTogether) {
  Reader reader;
  const auto call = [](int index, std::string name, std::string text) {
    return domain::Text{.text = std::move(text), .tokens = 1, .part = domain::Part::kToolCall, .tool_index = index, .tool_name = std::move(name)};
  };
  reader.stream->push(domain::Text{.text = "a", .tokens = 1});
  reader.stream->push(domain::Text{.tokens = 1});
  reader.stream->push(call(0, "f", "{"));
  reader.stream->push(call(0, "", "}"));
  reader.stream->push(call(1, "f", "{}"));
  reader.stream->push(domain::Text{.text = "b", .tokens = 1, .part = domain::Part::kReasoning});
  reader.stream->push(domain::Finished{});
  reader.read_to_end();
  ASSERT_EQ(reader.got.size(), 5U);
  EXPECT_EQ(std::get<domain::Text>(reader.got[0]).tokens, 2);
  EXPECT_EQ(std::get<domain::Text>(reader.got[1]).text, "{}");
  EXPECT_EQ(std::get<domain::Text>(reader.got[2]).tool_index, 1);
}

TEST(CallStreams, TakeTurnsAndLeaveTogether) {
  io::asio::io_context loop;
  std::vector<CallId> left;
  std::vector<std::shared_ptr<CallStream>> both;
  for (const uint64_t id : {1, 2})
    both.push_back(std::make_shared<CallStream>(loop.get_executor(), CallId{id}, StreamHooks{.left = [&left](CallId call) { left.push_back(call); }}));
  CallStreams streams(both);
  std::vector<size_t> order;
  const auto read = [](CallStreams& from, std::vector<size_t>& to, size_t count) -> io::Task<void> {
    while (to.size() < count) {
      std::optional<CallStreams::Next> next = co_await from.next();
      if (!next) co_return;
      to.push_back(std::get<CallStreams::Event>(*next).stream);
    }
  };
  io::asio::co_spawn(loop, read(streams, order, 4), io::asio::detached);
  loop.poll();
  EXPECT_TRUE(order.empty());
  for (int i = 0; i < 2; ++i) {
    both[1]->push(domain::Started{});
    both[1]->push(domain::Text{.text = "x", .tokens = 1});
    both[0]->push(domain::Started{});
  }
  loop.restart();
  loop.run();
  EXPECT_EQ(order.size(), 4U);
  EXPECT_NE(std::ranges::find(order, 0U), order.end()) << "the second does not starve the first";
  both[1]->push(domain::Finished{});
  streams.leave();
  EXPECT_EQ(left, std::vector<CallId>{CallId{1}}) << "the one that has not ended";
}

TEST(CallStreams, TellOfSilence) {
  io::asio::io_context loop;
  auto stream = std::make_shared<CallStream>(loop.get_executor(), CallId{1}, StreamHooks{.left = [](CallId) {}});
  CallStreams streams({stream});
  std::vector<bool> silent;
  const auto read = [](CallStreams& from, std::vector<bool>& to) -> io::Task<void> {
    for (;;) {
      std::optional<CallStreams::Next> next = co_await from.next(milliseconds(1));
      if (!next) co_return;
      to.push_back(std::holds_alternative<CallStreams::Silence>(*next));
    }
  };
  io::asio::co_spawn(loop, read(streams, silent), io::asio::detached);
  while (silent.size() < 2)
    loop.run_one();
  EXPECT_TRUE(silent[0] && silent[1]);
  stream->push(domain::Finished{});
  loop.run();
  EXPECT_FALSE(silent.back());
}

}  // namespace
}  // namespace ebb::invoke
