// Verbs are done in order, durably, and fail when the disk does.
#include "ledger/answer_log.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <future>

#include "io/folder_for_test.h"
#include "io/mount_for_test.h"

namespace ebb::ledger {
namespace {

domain::KeptAnswer kept(const std::string& id, const std::string& answer = {}) {
  domain::KeptAnswer out{.id = id, .tenant = "acme", .parameters = "p", .endpoint = "chat", .request = "req_1", .first_call = CallId{7}};
  out.begun = WallTime(seconds(1'700'000'000));
  if (answer.empty()) return out;
  out.state = domain::KeptAnswer::State::kWhole;
  out.ended = out.begun;
  out.answer = answer;
  return out;
}

// A log whose verbs are waited for.
struct WaitedFor {
  explicit WaitedFor(const std::filesystem::path& home) : log(*store::Answers::open(home), clock) {}
  Status put(domain::KeptAnswer answer) {
    std::promise<Status> done;
    EXPECT_TRUE(log.put(std::move(answer), [&done](Status status) { done.set_value(std::move(status)); }));
    return done.get_future().get();
  }
  Status forget(const std::string& id) {
    std::promise<Status> done;
    EXPECT_TRUE(log.forget(id, [&done](Status status) { done.set_value(std::move(status)); }));
    return done.get_future().get();
  }
  Result<std::optional<domain::KeptAnswer>> find(const std::string& id) {
    std::promise<Result<std::optional<domain::KeptAnswer>>> found;
    EXPECT_TRUE(log.find(id, [&found](Result<std::optional<domain::KeptAnswer>> result) { found.set_value(std::move(result)); }));
    return found.get_future().get();
  }
  io::FakeClock clock;
  AnswerLog log;
};

TEST(AnswerLog, WhatIsPutIsFoundUntilItIsForgottenOrTooOld) {
  const io::FolderForTest folder;
  WaitedFor log(folder.path());
  EXPECT_FALSE(log.find("a")->has_value());
  ASSERT_TRUE(log.put(kept("a")));
  ASSERT_TRUE(log.put(kept("a", "the answer")));
  EXPECT_EQ((**log.find("a")).answer, "the answer");
  ASSERT_TRUE(log.forget("a"));
  EXPECT_FALSE(log.find("a")->has_value());
  ASSERT_TRUE(log.put(kept("b", "x")));
  log.clock.advance(domain::kKeptAnswerTimeMax);
  EXPECT_FALSE(log.find("b")->has_value());
}

TEST(AnswerLog, TheEndDoesWhatWaits) {
  const io::FolderForTest folder;
  std::promise<Status> last;
  {
    WaitedFor log(folder.path());
    for (int i = 0; i < 200; ++i)
      ASSERT_TRUE(log.log.put(kept(std::to_string(i), "x"), [](const Status&) {}));
    ASSERT_TRUE(log.log.put(kept("last", "x"), [&last](Status status) { last.set_value(std::move(status)); }));
  }
  EXPECT_TRUE(last.get_future().get());
  WaitedFor again(folder.path());
  EXPECT_TRUE(again.find("0")->has_value());
  EXPECT_TRUE(again.find("last")->has_value());
}

TEST(AnswerLog, WhatWasDoneOutlivesAKill) {
  const io::FolderForTest folder;
  std::array<int, 2> said{};
  ASSERT_EQ(::pipe(said.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    WaitedFor log(folder.path());
    for (uint64_t id = 1;; ++id) {
      if (!log.put(kept(std::to_string(id), "x")) || ::write(said[1], &id, sizeof id) != sizeof id) ::_exit(1);
    }
  }
  ::close(said[1]);
  uint64_t last = 0;
  for (int wanted = 0; wanted < 20; ++wanted)
    ASSERT_EQ(::read(said[0], &last, sizeof last), static_cast<ssize_t>(sizeof last));
  ::kill(child, SIGKILL);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  while (::read(said[0], &last, sizeof last) == static_cast<ssize_t>(sizeof last)) {
  }
  ::close(said[0]);
  WaitedFor again(folder.path());
  for (uint64_t id = 1; id <= last; ++id)
    EXPECT_TRUE(again.find(std::to_string(id))->has_value()) << id << " of " << last;
}

TEST(AnswerLog, AFullDiskIsSaidAndLosesNothingThatIsThere) {
  const auto wrong = io::with_small_disk("2m", [](const std::filesystem::path& home) -> std::string {
    WaitedFor log(home);
    if (!log.put(kept("first", "x"))) return "the disk is full at once";
    std::ofstream fill(home / "fill");
    const std::string part(64 * 1024, 'f');
    while (fill << part << std::flush) {
    }
    const Status full = log.put(kept("second", std::string(500'000, 'x')));
    if (full || full.error().kind != ErrorKind::kExhausted) return "a full disk is not said";
    if (!log.find("first")->has_value()) return "what was there is lost";
    if (log.find("second")->has_value()) return "what was refused is there";
    fill.close();
    std::filesystem::remove(home / "fill");
    if (!log.put(kept("third", "x"))) return "it does not go on when there is space";
    return {};
  });
  if (!wrong) GTEST_SKIP() << "this user may not mount";
  EXPECT_EQ(*wrong, "");
}

}  // namespace
}  // namespace ebb::ledger
