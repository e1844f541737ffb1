// The real ebb-fetch over a store of its own, for tests.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "io/folder_for_test.h"
#include "registry/fetcher.h"
#include "registry/gguf_for_test.h"
#include "registry/sha256.h"

namespace ebb::registry {

class FetcherForTest : public testing::Test {
 protected:
  // Built beside this test.
  static std::string program() { return (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "ebb-fetch").string(); }

  Result<FetchResult> fetch(FetchRequest request, const std::function<void(const FetchProgress&)>& progress = {}, std::shared_ptr<FetchStop> stop = {}) {
    return fetch_with({.program = program()}, std::move(request), progress, std::move(stop));
  }
  Result<FetchResult> fetch_with(FetcherOptions options, FetchRequest request, const std::function<void(const FetchProgress&)>& progress = {},
                                 std::shared_ptr<FetchStop> stop = {}) {
    io::asio::io_context loop;
    Fetcher fetcher(loop.get_executor(), store_, std::move(options));
    std::optional<Result<FetchResult>> result;
    io::asio::co_spawn(loop, run(fetcher, std::move(request), progress, std::move(stop), result), io::asio::detached);
    loop.run();
    EXPECT_EQ(fetcher.running(), 0);
    return std::move(*result);
  }
  static io::Task<void> run(Fetcher& fetcher, FetchRequest request, std::function<void(const FetchProgress&)> progress, std::shared_ptr<FetchStop> stop,
                            std::optional<Result<FetchResult>>& result) {
    Result<FetchResult> fetched = co_await fetcher.fetch(std::move(request), std::move(progress), std::move(stop));
    result.emplace(std::move(fetched));
  }

  size_t stored() const { return folder_.files("models/sha256"); }
  size_t staged() const { return folder_.files("models/staging"); }
  void expect_refused(const Result<FetchResult>& result, ErrorKind kind, const std::string& says) {
    ASSERT_FALSE(result);
    EXPECT_EQ(to_string(result.error().kind), to_string(kind)) << result.error().message;
    EXPECT_NE(result.error().message.find(says), std::string::npos) << result.error().message;
    EXPECT_EQ(stored(), 0U);
  }

  io::FolderForTest folder_;
  ContentStore store_ = *ContentStore::open(folder_.path("models"));
  const std::string model_ = GgufForTest::model().bytes();
};

// Large enough for several chunks and progress lines.
inline std::string large_model() {
  GgufForTest file = GgufForTest::model();
  file.tensor({.name = "big", .dims = {5'000'000}, .type = 24, .offset = 128});
  file.data_bytes = 128 + 5'000'000;
  return file.bytes();
}

}  // namespace ebb::registry
