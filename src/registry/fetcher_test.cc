// The real ebb-fetch and local files: what is stored, what is refused, and what a death at any moment leaves.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <future>

#include "registry/fetcher_for_test.h"
#include "registry/http_server_for_test.h"

namespace ebb::registry {
namespace {

namespace fs = std::filesystem;
using FetcherTest = FetcherForTest;

TEST_F(FetcherTest, StoresALocalFileOnce) {
  const std::string path = folder_.write("x.gguf", model_);
  std::vector<std::string> phases;
  for (int round = 0; round < 2; ++round) {
    const auto result = fetch({.source = path}, [&](const FetchProgress& step) { phases.push_back(step.phase); });
    ASSERT_TRUE(result) << result.error().message;
    EXPECT_EQ(result->digest, sha256_of(model_));
    EXPECT_EQ(result->facts.title, "Tiny");
    EXPECT_EQ(result->facts.weights_bytes, model_.size());
  }
  EXPECT_EQ(stored(), 1U);
  EXPECT_EQ(staged(), 0U);
  EXPECT_EQ(phases.front(), "hash");
  EXPECT_EQ(phases.back(), "publish");
  const auto file = store_.open(sha256_of(model_), model_.size());
  ASSERT_TRUE(file);
  struct stat info {};
  ASSERT_EQ(::fstat(file->get(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0444U);
  EXPECT_TRUE(store_.verify(sha256_of(model_)));
}

TEST_F(FetcherTest, HealsADamagedFile) {
  const std::string path = folder_.write("x.gguf", model_);
  const auto result = fetch({.source = path});
  ASSERT_TRUE(result);
  const std::string hex = result->digest.hex();
  const std::string stored_path = "models/sha256/" + hex.substr(0, 2) + "/" + hex;
  ::chmod(folder_.path(stored_path).c_str(), 0644);
  std::string damaged = model_;
  damaged.back() = static_cast<char>(damaged.back() + 1);
  folder_.write(stored_path, damaged);
  EXPECT_EQ(store_.verify(result->digest).error().kind, ErrorKind::kCorrupt);
  EXPECT_TRUE(fetch({.source = path}));
  EXPECT_TRUE(store_.verify(result->digest));
}

TEST_F(FetcherTest, RefusesWhatIsNoModelFile) {
  const std::string good = folder_.write("x.gguf", model_);
  fs::create_symlink(good, folder_.path("link"));
  fs::create_symlink("/nonexistent", folder_.path("dangling"));
  ::mkfifo(folder_.path("fifo").c_str(), 0600);
  const struct {
    std::string source;
    ErrorKind kind;
    std::string says;
  } rows[] = {
      {folder_.path("none"), ErrorKind::kNotFound, "No such file"},
      {folder_.path(), ErrorKind::kInvalid, "the folder has no model.onnx in it"},
      {folder_.path("fifo"), ErrorKind::kInvalid, "is not a regular file"},
      {"/dev/zero", ErrorKind::kInvalid, "is not a regular file"},
      {folder_.path("link"), ErrorKind::kInvalid, "is a symbolic link: name the file itself, " + fs::canonical(good).string()},
      {folder_.path("dangling"), ErrorKind::kInvalid, "is a symbolic link to nothing"},
      {folder_.write("empty", ""), ErrorKind::kInvalid, "is empty"},
      {folder_.write("text", "hello"), ErrorKind::kInvalid, "neither a model in GGUF, which begins with 'GGUF', nor one in ONNX"},
      {folder_.write("short", model_.substr(0, model_.size() - 1)), ErrorKind::kInvalid, "beyond the file's"},
      {"x.gguf", ErrorKind::kInvalid, "is not an absolute path"},
      {"ftp://x/y", ErrorKind::kInvalid, "only http:// and https://"},
      {"file:///etc/passwd", ErrorKind::kInvalid, "only http:// and https://"},
      {"http://a\\b/", ErrorKind::kInvalid, "backslashes"},
      {"http://x/#y", ErrorKind::kInvalid, "behind # only sha256="},
      {"http://169.254.169.254/latest", ErrorKind::kInvalid, "leads to an address that models are not fetched from"},
  };
  for (const auto& row : rows) {
    SCOPED_TRACE(row.source);
    const auto result = fetch({.source = row.source});
    expect_refused(result, row.kind, row.says);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().param, "source");
    EXPECT_EQ(staged(), 0U);
  }
}

TEST_F(FetcherTest, RefusesMoreThanIsAllowedAndAnotherDigest) {
  const std::string path = folder_.write("x.gguf", model_);
  expect_refused(fetch({.source = path, .bytes_max = 100}), ErrorKind::kTooLarge, "at most 100 are allowed");
  const auto result = fetch({.source = path, .sha256 = sha256_of("x")});
  expect_refused(result, ErrorKind::kInvalid, "the file's SHA-256 is " + sha256_of(model_).hex());
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().param, "sha256");
  EXPECT_EQ(staged(), 0U);
}

TEST_F(FetcherTest, RefusesAModelThatTheDiskCannotHold) {
  const std::string path = folder_.path("huge");
  const Fd huge(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::ftruncate(huge.get(), static_cast<off_t>(*store_.free_bytes() + 1)), 0);
  expect_refused(fetch({.source = path}), ErrorKind::kTooLarge, "the disk of the model store has only");
  EXPECT_EQ(staged(), 0U);
}

// Stopped after the n-th line, which is a kill -9 of ebb-fetch, for every n that there is. It runs on until the kill arrives, so that it may have published
// the whole file meanwhile, whatever it had said.
TEST_F(FetcherTest, AKillAtAnyPointLeavesNothingHalfUnderAFinalName) {
  const std::string body = large_model();
  const std::string path = folder_.write("x.gguf", body);
  HttpServerForTest server([&](const std::string&) { return HttpServerForTest::ok(body); });
  for (const std::string& source : {path, server.url()}) {
    bool finished = false;
    int kills = 0;
    for (int at = 1; !finished; ++at) {
      ASSERT_LT(at, 200);
      auto stop = std::make_shared<FetchStop>();
      int lines = 0;
      const auto result = fetch(
          {.source = source},
          [&](const FetchProgress&) {
            if (++lines == at) stop->stop();
          },
          stop);
      finished = !stop->stopped();
      if (!finished) {
        ++kills;
        EXPECT_EQ(result.error().kind, ErrorKind::kCancelled) << result.error().message;
      }
      // A file under a final name is whole, however it came there.
      EXPECT_TRUE(stored() == 0 || store_.verify(sha256_of(body)));
      ASSERT_TRUE(store_.clear_staging(WallTime::max()));  // long after: nothing is worth keeping
      EXPECT_EQ(staged(), 0U);
      ASSERT_TRUE(stored() == 0 || store_.remove(sha256_of(body)));
    }
    EXPECT_GE(kills, 3);
  }
}

TEST_F(FetcherTest, ASilentFetchIsKilled) {
  std::promise<void> ended;
  HttpServerForTest server([answer_after = ended.get_future().share()](const std::string&) {
    answer_after.wait();
    return std::string();
  });
  FetcherOptions options{.program = program()};
  options.silence_max = milliseconds(0);
  expect_refused(fetch_with(options, {.source = server.url()}), ErrorKind::kTimeout, "nothing was fetched for");
  ended.set_value();
}

TEST_F(FetcherTest, AFetcherThatIsNotThereOrSaysNonsense) {
  expect_refused(fetch_with({.program = folder_.path("nothing")}, {.source = "/x"}), ErrorKind::kInternal, "cannot start");
  expect_refused(fetch_with({.program = "/bin/true"}, {.source = "/x"}), ErrorKind::kInternal, "ended with status 0 before it was done");
  const std::string liar = folder_.write("liar", "#!/bin/sh\necho hello\nexec sleep 600\n");
  ::chmod(liar.c_str(), 0700);
  expect_refused(fetch_with({.program = liar}, {.source = "/x"}), ErrorKind::kInternal, "cannot be understood");
  const std::string boaster = folder_.write(
      "boaster", "#!/bin/sh\necho '" +
                     json::serialize(to_json(FetchResult{
                         .digest = sha256_of("x"), .facts = {.architecture = "x", .weights_bytes = 1, .layers = 1, .train_context = 1, .vocabulary = 1}})) +
                     "'\n");
  ::chmod(boaster.c_str(), 0700);
  expect_refused(fetch_with({.program = boaster}, {.source = "/x"}), ErrorKind::kNotFound, "is not in the store");
}

TEST_F(FetcherTest, OnlySoManyAtOnce) {
  const std::string path = folder_.write("x.gguf", model_);
  io::asio::io_context loop;
  Fetcher fetcher(loop.get_executor(), store_, {.program = program(), .running_max = 1});
  std::optional<Result<FetchResult>> first;
  std::optional<Result<FetchResult>> second;
  io::asio::co_spawn(loop, run(fetcher, {.source = path}, {}, {}, first), io::asio::detached);
  io::asio::co_spawn(loop, run(fetcher, {.source = path}, {}, {}, second), io::asio::detached);
  loop.run();
  EXPECT_TRUE(*first);
  EXPECT_EQ(second->error().kind, ErrorKind::kOverloaded);
}

TEST_F(FetcherTest, TheLoopMayEndBeforeTheFetch) {
  HttpServerForTest server([&](const std::string&) { return HttpServerForTest::ok(large_model()); });
  std::optional<Result<FetchResult>> result;
  {
    io::asio::io_context loop;
    Fetcher fetcher(loop.get_executor(), store_, {.program = program()});
    io::asio::co_spawn(loop, run(fetcher, {.source = server.url()}, {}, {}, result), io::asio::detached);
    loop.run_one();
    loop.poll();
    // Destroying the loop destroys the coroutine, which ends and reaps the process.
  }
  EXPECT_FALSE(result);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "a child is left";
}

}  // namespace
}  // namespace ebb::registry
