// The stream delivers in order, merges waiting text, ends once, and is cut when its reader is too slow.
#include "invoke/call_stream.h"

#include <gtest/gtest.h>

#include <vector>

#include "domain/limits.h"

namespace ebb::invoke {
namespace {

struct Reader {
  io::asio::io_context loop;
  std::vector<CallId> left;
  std::shared_ptr<CallStream> stream = std::make_shared<CallStream>(loop.get_executor(), CallId{7}, [this](CallId call) { left.push_back(call); });
  std::vector<domain::CallEvent> got;

  void read_to_end() {
    io::asio::co_spawn(loop, read(stream, got), io::asio::detached);
    loop.run();
    loop.restart();
  }
  static io::Task<void> read(std::shared_ptr<CallStream> stream, std::vector<domain::CallEvent>& got) {
    for (;;) {
      std::optional<domain::CallEvent> event = co_await stream->next();
      if (!event) co_return;
      got.push_back(std::move(*event));
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

}  // namespace
}  // namespace ebb::invoke
