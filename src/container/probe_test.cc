// A hostile function tries to get out of a real sandbox; this test is outside, and looks whether anything of it arrived. As root, and as a user.
#include <fmt/format.h>
#include <grp.h>
#include <netinet/in.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include <sstream>

#include "container/sandbox_for_test.h"
#include "sandbox/attempts.h"

namespace ebb::container {
namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  return {std::istreambuf_iterator<char>(in), {}};
}

// What the host has that must not change.
struct HostState {
  std::string core_pattern = text_of("/proc/sys/kernel/core_pattern");
  std::string modprobe = text_of("/proc/sys/kernel/modprobe");
  std::string overcommit = text_of("/proc/sys/vm/overcommit_memory");
  std::string forward = text_of("/proc/sys/net/ipv4/ip_forward");
  std::string user_namespaces = text_of("/proc/sys/user/max_user_namespaces");
  std::string hostname = text_of("/proc/sys/kernel/hostname");
  std::string mounts = text_of("/proc/self/mountinfo");
  bool operator==(const HostState&) const = default;
};

class ContainerProbeTest : public SandboxTest {
 protected:
  void SetUp() override {
    SandboxTest::SetUp();
    if (IsSkipped()) return;
    fs::copy_file(beside_this_test("ebb-container-probe"), image_->path("bin/probe"));
    secret_ = outside_.write("secret", "of the host");
    mounted_ = outside_.write("mounted", "read only");
  }
  Sandbox prepare_with_mount() {
    SandboxSpec what = spec();
    what.mounts = {{mounted_, "/opt/mounted"}};
    what.memory_bytes = uint64_t{256} << 20U;  // what must still work needs some
    return prepare(what);
  }

  // Somebody outside who would hear it.
  static Fd listen_on_loopback(uint16_t& port) {
    Fd made(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(made.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(made.get(), 8), 0);
    EXPECT_EQ(::getsockname(made.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
    port = ntohs(address.sin_port);
    return made;
  }
  static Fd listen_on_abstract(const std::string& name) {
    Fd made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    std::copy(name.begin(), name.end(), address.sun_path + 1);
    EXPECT_EQ(::bind(made.get(), reinterpret_cast<sockaddr*>(&address), static_cast<socklen_t>(sizeof(sa_family_t) + 1 + name.size())), 0);
    EXPECT_EQ(::listen(made.get(), 8), 0);
    return made;
  }

  io::FolderForTest outside_;
  fs::path secret_;
  fs::path mounted_;
};

TEST_F(ContainerProbeTest, EveryWayOutIsDenied) {
  uint16_t port = 0;
  const Fd loopback = listen_on_loopback(port);
  const std::string abstract_name = "ebb-probe-" + std::to_string(::getpid());
  const Fd abstract_socket = listen_on_abstract(abstract_name);
  const int key = 0x65626200 + ::getpid() % 256;
  const int segment = ::shmget(key, 4096, IPC_CREAT | 0666);
  ASSERT_GE(segment, 0);
  // A number that no process inside has: the container's own are few.
  const pid_t outside = ::getpid();
  ASSERT_GT(outside, 200);
  const HostState before;

  Sandbox sandbox = prepare_with_mount();
  const Result<Fd> way_out = sandbox.listen(0);  // as of a function that may go out: one more thing to be misused
  ASSERT_TRUE(way_out) << way_out.error().message;
  const Ran ran = run_to_its_end(
      sandbox, {.argv = {"/bin/probe", "try", secret_, "/opt/mounted", std::to_string(outside), std::to_string(port), abstract_name, std::to_string(key)},
                .env = {},
                .cwd = "/"});
  ::shmctl(segment, IPC_RMID, nullptr);
  EXPECT_EQ(ran.exited.code, 0);
  EXPECT_EQ(ran.exited.signal, 0);
  int denied = 0;
  int works = 0;
  std::istringstream lines(ran.output);
  for (std::string line; std::getline(lines, line);) {
    denied += line.find(": denied") != std::string::npos ? 1 : 0;
    works += line.find(": works") != std::string::npos ? 1 : 0;
    EXPECT_TRUE(line.find(": denied") != std::string::npos || line.find(": works") != std::string::npos) << line;
  }
  EXPECT_GE(denied, 200);
  EXPECT_GE(works, 11);

  EXPECT_EQ(before, HostState());
  EXPECT_LT(::accept4(loopback.get(), nullptr, nullptr, SOCK_CLOEXEC), 0);
  EXPECT_LT(::accept4(abstract_socket.get(), nullptr, nullptr, SOCK_CLOEXEC), 0);
  EXPECT_EQ(text_of(secret_), "of the host");
  EXPECT_EQ(text_of(mounted_), "read only");
  EXPECT_FALSE(fs::exists(image_->path("new")));
  EXPECT_FALSE(fs::exists(image_->path("bin/new")));
  EXPECT_EQ(fs::file_size(beside_this_test("ebb-container-probe")), fs::file_size(image_->path("bin/probe")));
}

// Were the system call itself refused before its argument is looked at, the list above would prove nothing of the file system: these read by name.
TEST_F(ContainerProbeTest, CallsThatNobodyKnowsAreNotThere) {
  Sandbox sandbox = prepare_with_mount();
  EXPECT_EQ(run_to_its_end(sandbox, {.argv = {"/bin/probe", "sweep"}, .env = {}, .cwd = "/"}).output, "swept\n");
}

TEST_F(ContainerProbeTest, CallsOfAnotherArchitectureEndTheFunction) {
  for (const std::string_view name : sandbox::kLethal) {
    Sandbox sandbox = prepare_with_mount();
    const Ran ran = run_to_its_end(sandbox, {.argv = {"/bin/probe", "lethal", std::string(name)}, .env = {}, .cwd = "/"});
    EXPECT_EQ(ran.exited.signal, SIGSYS) << name << ": " << ran.output;
  }
}

TEST_F(ContainerProbeTest, ASetuidFileGivesNothing) {
  const fs::path file = image_->path("bin/probe");
  if (runtime_.root) {
    ASSERT_EQ(::chown(file.c_str(), 0, 0), 0);
  }
  ASSERT_EQ(::chmod(file.c_str(), 06755), 0);
  Sandbox sandbox = prepare_with_mount();
  EXPECT_EQ(run_to_its_end(sandbox, {.argv = {"/bin/probe", "ids"}, .env = {}, .cwd = "/"}).output, "1000 1000 1000 1000 1\n");
}

// Root of an image is nobody outside, and has no more rights than another.
TEST_F(ContainerProbeTest, RootInsideIsNobodyOutside) {
  SandboxSpec what = spec();
  what.uid = what.gid = 0;
  Sandbox sandbox = prepare(what);
  ASSERT_TRUE(sandbox.run(shell("sleep 1000")));
  std::ifstream status(fmt::format("/proc/{}/status", sandbox.init_pid()));
  std::string all(std::istreambuf_iterator<char>(status), {});
  const unsigned outside = runtime_.root ? what.host_id_base : ::geteuid();
  EXPECT_NE(all.find(fmt::format("Uid:\t{0}\t{0}\t{0}\t{0}\n", outside)), std::string::npos) << all;
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
    EXPECT_NE(all.find(fmt::format("{}:\t0000000000000000\n", set)), std::string::npos) << all;
  EXPECT_NE(all.find("NoNewPrivs:\t1\n"), std::string::npos);
}

// This test, its programs and all that they need, in a folder that everybody may read.
TEST(ContainerProbesAsAUser, HoldToo) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can become another user";
  char path[] = "/tmp/ebb-copied-XXXXXX";
  ASSERT_NE(::mkdtemp(path), nullptr);
  const fs::path folder = path;
  ASSERT_EQ(::chmod(path, 0755), 0);
  for (const char* program : {"container_test", "ebb-init", "ebb-container-end", "ebb-container-probe", "ebb-spawner", "ebb-worker-stub-container"})
    fs::copy_file(beside_this_test(program), folder / program);
  const pid_t child = ::fork();
  if (child == 0) {
    constexpr uid_t kUser = 65533;
    ::unsetenv("GTEST_OUTPUT");  // our own report, in a folder that the other user may not write to
    if (::setgroups(0, nullptr) != 0 || ::setresgid(kUser, kUser, kUser) != 0 || ::setresuid(kUser, kUser, kUser) != 0) ::_exit(90);
    ::execl((folder / "container_test").c_str(), "container_test", "--gtest_filter=SandboxTest.*:LifetimeTest.*:ContainerProbeTest.*", nullptr);
    ::_exit(91);
  }
  int status = -1;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  fs::remove_all(folder);
}

}  // namespace
}  // namespace ebb::container
