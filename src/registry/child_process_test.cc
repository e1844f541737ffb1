// Programs of the system as children: what they are given, what they are not, and how they end.
#include "registry/child_process.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <optional>

#include "io/folder_for_test.h"

namespace ebb::registry {
namespace {

ChildStart shell(const std::string& script) { return {.program = "/bin/sh", .name = "sh", .arguments = {"-c", script}}; }

struct Ended {
  int status = -1;
  std::string printed;
  std::optional<Error> killed_for;
};

io::Task<void> follow(std::shared_ptr<ChildProcess> child, Ended& out) {
  const auto executor = co_await io::asio::this_coro::executor;
  io::Descriptor output(executor, child->take_output().release());
  std::array<char, 256> bytes{};
  for (bool open = true; open;) {
    const auto [error, got] = co_await output.async_read_some(io::asio::buffer(bytes), io::asio::as_tuple(io::use_awaitable));
    open = !error;
    out.printed.append(bytes.data(), got);
    if (out.printed.ends_with("hang\n")) child->kill({.kind = ErrorKind::kTimeout, .message = "it hangs"});
  }
  out.status = co_await ChildProcess::reaped(child, executor);
  child->kill({.kind = ErrorKind::kInternal, .message = "too late"});
  out.killed_for = child->killed_for();
}

Ended run(const ChildStart& start) {
  io::asio::io_context loop;
  Ended out;
  const auto child = ChildProcess::start(start);
  EXPECT_TRUE(child) << child.error().message;
  io::asio::co_spawn(loop, follow(*child, out), io::asio::detached);
  loop.run();
  return out;
}

Fd file_with(const io::FolderForTest& folder, const std::string& name, const std::string& text) {
  return Fd(::open(folder.write(name, text).c_str(), O_RDONLY | O_CLOEXEC));
}

TEST(ChildProcess, HasWhatItIsGivenAndNothingElse) {
  const io::FolderForTest folder;
  const Fd in = file_with(folder, "in", "in ");
  const Fd third = file_with(folder, "third", "third ");
  const Fd fifth = file_with(folder, "fifth", "fifth ");
  const Fd inherited(::fcntl(third.get(), F_DUPFD, 40));  // without close-on-exec: it must not get there by an oversight
  ChildStart start = shell("cat; cat <&3; cat <&4; cat <&5; echo \"$0\"; echo /proc/self/fd/*");
  start.input = in.get();
  start.fds = {third.get(), -1, fifth.get()};
  const Ended ended = run(start);
  EXPECT_EQ(ended.status, 0);
  EXPECT_TRUE(ended.printed.starts_with("in third fifth sh\n")) << ended.printed;
  EXPECT_EQ(ended.printed.find("/40"), std::string::npos) << ended.printed;
  EXPECT_FALSE(ended.killed_for);
  EXPECT_EQ(run({.program = "/usr/bin/env", .name = "env"}).printed, "");
  EXPECT_EQ(run({.program = "/bin/cat", .name = "cat"}).printed, "") << "nothing to read, and no waiting for it";
}

TEST(ChildProcess, DescriptorsMayLieWhereOthersAreToBe) {
  const io::FolderForTest folder;
  const Fd a = file_with(folder, "a", "a");  // 3 and 4 in a process with nothing else open
  const Fd b = file_with(folder, "b", "b");
  ChildStart start = shell("cat <&3; cat <&4");
  start.fds = {b.get(), a.get()};
  EXPECT_EQ(run(start).printed, "ba");
}

TEST(ChildProcess, EndsAreTold) {
  const struct {
    std::string script;
    std::string end;
  } rows[] = {{"exit 3", "status 3"}, {"kill -9 $$", "signal 9"}, {"trap '' TERM; kill -TERM $$; exit 1", "status 1"}};
  for (const auto& row : rows)
    EXPECT_EQ(end_of_child(run(shell(row.script)).status), row.end);
}

TEST(ChildProcess, IsEndedWithItsGroupForTheFirstReason) {
  // The output is closed only once the child of the child is gone too.
  const Ended ended = run(shell("sleep 1000 & echo hang; wait"));
  EXPECT_EQ(end_of_child(ended.status), "signal 9");
  ASSERT_TRUE(ended.killed_for);
  EXPECT_EQ(ended.killed_for->message, "it hangs");
}

TEST(ChildProcess, GoesWithTheLastWhoHoldsIt) {
  auto child = *ChildProcess::start(shell("exec sleep 1000"));
  const Fd output = child->take_output();
  char byte = 0;
  EXPECT_EQ(::read(output.get(), &byte, 1), -1);
  EXPECT_EQ(errno, EAGAIN);
  child.reset();
  EXPECT_EQ(::read(output.get(), &byte, 1), 0) << "nobody has the other end any more";
}

TEST(ChildProcess, AProgramThatIsNotThere) {
  const io::FolderForTest folder;
  const auto child = ChildProcess::start({.program = folder.path("none"), .name = "none"});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().kind, ErrorKind::kNotFound);
  EXPECT_NE(child.error().message.find(folder.path("none").string()), std::string::npos);
}

}  // namespace
}  // namespace ebb::registry
