// The real ebb-spawner, as the server meets it.
#include "sandbox/spawner.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "io/folder_for_test.h"
#include "sandbox/spawner_fixture_for_test.h"

namespace ebb::sandbox {
namespace {

using wire::FrameType;
namespace pb = wire::pb;

TEST_F(SpawnerTest, ReportsEveryLayerByName) {
  std::vector<std::string> names;
  for (const auto& layer : layers_.layers()) {
    names.push_back(layer.name());
    EXPECT_FALSE(layer.detail().empty()) << layer.name();
    // What every kernel since 5.13 allows to everyone.
    const bool always = layer.name() == "seccomp" || layer.name() == "no new privileges" || layer.name() == "capabilities" || layer.name() == "resource limits";
    EXPECT_TRUE(layer.active() || !always) << layer.name() << ": " << layer.detail();
    RecordProperty(layer.name(), layer.detail());
  }
  EXPECT_EQ(names, (std::vector<std::string>{"network namespace", "unprivileged user", "capabilities", "no new privileges", "resource limits", "landlock",
                                             "seccomp while loading", "seccomp"}));
}

TEST_F(SpawnerTest, HandsOverABlankOfThePool) {
  pool("probe", 1);
  Worker first = start(1);
  Worker second = start(2);
  EXPECT_NE(first.pid, second.pid);
  // The worker's end is the only other end: when the worker ends, its stream does.
  ::kill(first.pid, SIGKILL);
  EXPECT_FALSE(first.peer.next());
  const auto exited = spawner_->expect<pb::Exited>(FrameType::kExited);
  ASSERT_TRUE(exited);
  EXPECT_EQ(exited->token(), 1U);
  EXPECT_EQ(exited->signal(), SIGKILL);
}

TEST_F(SpawnerTest, ReportsAnExitWithItsCode) {
  Worker worker = start(7);
  worker.peer.close();  // the probe ends with 0 when the server lets go of it
  const auto exited = spawner_->expect<pb::Exited>(FrameType::kExited);
  ASSERT_TRUE(exited);
  EXPECT_EQ(exited->token(), 7U);
  EXPECT_EQ(exited->exit_code(), 0);
  EXPECT_EQ(exited->signal(), 0);
}

TEST_F(SpawnerTest, KillsByToken) {
  Worker worker = start(9);
  pb::Kill kill;
  kill.set_token(8);  // nobody's
  spawner_->say(FrameType::kKill, kill);
  kill.set_token(9);
  spawner_->say(FrameType::kKill, kill);
  const auto exited = spawner_->expect<pb::Exited>(FrameType::kExited);
  ASSERT_TRUE(exited);
  EXPECT_EQ(exited->token(), 9U);
  EXPECT_EQ(exited->signal(), SIGKILL);
}

TEST_F(SpawnerTest, RefusesUnknownAndHostileEngineNames) {
  uint64_t token = 1;
  for (const std::string name : {"nothing", "", "../ebb-spawner", "a/b", "Probe", "probe\n", "............................................"}) {
    const auto spawned = spawn(*spawner_, name, token);
    ASSERT_TRUE(spawned) << name;
    EXPECT_EQ(spawned->token(), token++);
    EXPECT_EQ(spawned->pid(), 0);
    EXPECT_FALSE(spawned->error().empty()) << name;
    EXPECT_FALSE(spawner_->take_attachment()) << name;
  }
}

TEST_F(SpawnerTest, EndsWithItsServerAndLeavesNothing) {
  pool("probe", 2);
  Worker worker = start(1);
  const std::vector<Fd> all = children_of(pid_);
  EXPECT_FALSE(all.empty());
  spawner_->close();
  EXPECT_TRUE(ends(pidfd_));
  for (const Fd& process : all)
    EXPECT_TRUE(ends(process));
}

TEST_F(SpawnerTest, KilledItTakesItsWorkersAlong) {
  Worker idle = start(1);
  Worker sealed = start(2);
  bool ready = false;
  probe(sealed.peer, "", -1, ready);
  ASSERT_TRUE(ready);
  const std::vector<Fd> all = children_of(pid_);
  EXPECT_GE(all.size(), 2U);
  ::kill(pid_, SIGKILL);
  for (const Fd& process : all)
    EXPECT_TRUE(ends(process));
}

TEST_F(SpawnerTest, EndsAtGarbage) {
  Worker worker = start(1);
  ASSERT_TRUE(spawner_->write(std::string(4096, '\xFF')));
  EXPECT_TRUE(ends(pidfd_));
  EXPECT_TRUE(ends(worker.pidfd));
  ASSERT_EQ(::waitpid(pid_, &status_, 0), pid_);
  EXPECT_TRUE(WIFEXITED(status_));
  pid_ = 0;
}

TEST_F(SpawnerTest, SurvivesBodiesThatDoNotParseAndTypesItDoesNotKnow) {
  for (const FrameType type : {FrameType::kSpawn, FrameType::kKill, FrameType::kPool, FrameType::kLoad, static_cast<FrameType>(9999)})
    ASSERT_TRUE(spawner_->write(wire::encode_frame(type, 5, "\xFF\xFF\xFF")));
  start(1);
}

TEST_F(SpawnerTest, EndsBlanksThatAreTooMany) {
  // Each answer means that the spawner went round its loop; a broken one is given up on.
  const auto until = [&](const auto& holds) {
    for (int rounds = 0; rounds < 10'000 && !holds(); ++rounds)
      ASSERT_TRUE(spawn(*spawner_, "nothing", 1));
  };
  pool("probe", 3);
  until([&] { return children_of(pid_).size() == 3; });
  const std::vector<Fd> all = children_of(pid_);
  ASSERT_EQ(all.size(), 3U);
  pool("probe", 1);
  const auto gone = [&] { return std::count_if(all.begin(), all.end(), [](const Fd& process) { return has_ended(process); }); };
  until([&] { return gone() >= 2; });
  EXPECT_EQ(gone(), 2);
  start(2);
}

// The worst that a parent may hand on: a dead child that nobody is told of, everything blocked, no standard descriptors.
TEST(StartSpawner, WorksFromAnOddParent) {
  const pid_t odd = ::fork();
  if (odd == 0) {
    for (const int fd : {0, 1, 2})
      ::close(fd);
    ::signal(SIGCHLD, SIG_IGN);
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, nullptr);
    Result<SpawnerProcess> started = start_spawner(spawner_program());
    if (!started) ::_exit(10);
    Peer peer(std::move(started->channel));
    if (!peer.expect<pb::Sandbox>(FrameType::kSandbox)) ::_exit(11);
    const auto spawned = spawn(peer, "probe", 5);
    if (!spawned || spawned->pid() <= 0) ::_exit(12);
    Peer worker(peer.take_attachment());
    if (!worker.expect<pb::Blank>(FrameType::kBlank)) ::_exit(13);
    worker.close();
    const auto exited = peer.expect<pb::Exited>(FrameType::kExited);
    ::_exit(exited && exited->token() == 5 && exited->signal() == 0 ? 0 : 14);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(odd, &status, 0), odd);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(StartSpawner, SaysWhichProgramIsMissing) {
  const Result<SpawnerProcess> started = start_spawner("/nowhere/ebb-spawner");
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().kind, ErrorKind::kNotFound);
  EXPECT_NE(started.error().message.find("/nowhere/ebb-spawner"), std::string::npos);
}

// A spawner in a child of ours, over a folder of our own programs, in a time that stands still.
TEST(SpawnerOfBadPrograms, DoesNotMakeADyingBlankWithoutEnd) {
  const io::FolderForTest folder;
  const std::string starts = folder.path() / "starts";
  ASSERT_EQ(::mkfifo(starts.c_str(), 0600), 0);
  const Fd started(::open(starts.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  ASSERT_TRUE(started);
  const auto program = folder.write("ebb-worker-x", fmt::format("#!/bin/sh\necho x > {}\n", starts));
  ASSERT_EQ(::chmod(program.c_str(), 0700), 0);
  int ends_of_channel[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends_of_channel), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::close(ends_of_channel[0]);
    const io::FakeClock clock;
    ::_exit(Spawner(Fd(ends_of_channel[1]), folder.path(), clock).run());
  }
  ::close(ends_of_channel[1]);
  Peer spawner{Fd(ends_of_channel[0])};
  EXPECT_TRUE(spawner.expect<pb::Sandbox>(FrameType::kSandbox));
  pb::Pool pool;
  pool.set_engine("x");
  pool.set_blanks(1);
  spawner.say(FrameType::kPool, pool);
  pollfd first{.fd = started.get(), .events = POLLIN, .revents = 0};
  EXPECT_EQ(::poll(&first, 1, kPatienceMs), 1);
  for (const Fd& blank : children_of(child))
    EXPECT_TRUE(ends(blank));
  // Each answer means that the spawner went round its loop: one without a pause would have started the next blank.
  for (uint64_t token = 1; token <= 100; ++token) {
    const auto spawned = spawn(spawner, "missing", token);
    ASSERT_TRUE(spawned);
    EXPECT_TRUE(token == 1 || children_of(child).empty());  // in the first round it may still be reaping
  }
  spawner.close();
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  char lines[64];
  EXPECT_EQ(::read(started.get(), lines, sizeof lines), 2) << "more starts than one";
}

}  // namespace
}  // namespace ebb::sandbox
