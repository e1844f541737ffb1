// A running ebb-spawner for each test, started as the server starts it, with the probe as its worker.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/spawner_for_test.h"
#include "sandbox/start_spawner.h"

namespace ebb::sandbox {

// Beside this test, so that a copy of the folder tests its own programs.
inline std::string spawner_program() { return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "ebb-spawner"; }

// The processes that `parent` has now.
inline std::vector<Fd> children_of(pid_t parent) {
  std::vector<Fd> children;
  std::ifstream list(fmt::format("/proc/{0}/task/{0}/children", parent));
  for (pid_t child = 0; list >> child;) {
    if (Fd process = open_pidfd(child)) children.push_back(std::move(process));  // else it was reaped meanwhile
  }
  return children;
}

class SpawnerTest : public testing::Test {
 protected:
  void SetUp() override {
    Result<SpawnerProcess> started = start_spawner(spawner_program());
    ASSERT_TRUE(started) << started.error().message;
    pid_ = started->pid;
    pidfd_ = std::move(started->pidfd);
    spawner_.emplace(std::move(started->channel));
    const auto sandbox = spawner_->expect<wire::pb::Sandbox>(wire::FrameType::kSandbox);
    ASSERT_TRUE(sandbox);
    layers_ = *sandbox;
  }
  void TearDown() override {
    if (!spawner_) return;
    spawner_->close();
    EXPECT_TRUE(ends(pidfd_));
    if (pid_ > 0) {
      EXPECT_EQ(::waitpid(pid_, &status_, 0), pid_);
    }
  }

  struct Worker {
    pid_t pid = 0;
    Fd pidfd;
    Peer peer;
  };
  Worker start(uint64_t token, const std::string& engine = "probe") {
    const auto spawned = spawn(*spawner_, engine, token);
    if (!spawned || spawned->pid() <= 0) {
      ADD_FAILURE() << "no worker: " << (spawned ? spawned->error() : "no answer");
      return {.pid = 0, .pidfd = {}, .peer = Peer(Fd())};
    }
    EXPECT_EQ(spawned->token(), token);
    Worker worker{.pid = spawned->pid(), .pidfd = open_pidfd(spawned->pid()), .peer = Peer(spawner_->take_attachment())};
    EXPECT_TRUE(worker.peer.expect<wire::pb::Blank>(wire::FrameType::kBlank));
    return worker;
  }
  void pool(const std::string& engine, int blanks) {
    wire::pb::Pool body;
    body.set_engine(engine);
    body.set_blanks(blanks);
    spawner_->say(wire::FrameType::kPool, body);
  }

  pid_t pid_ = 0;
  Fd pidfd_;
  std::optional<Peer> spawner_;
  wire::pb::Sandbox layers_;
  int status_ = 0;
};

}  // namespace ebb::sandbox
