// ebb-worker-container itself: a function in a sandbox, served by a worker that has sealed itself.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "container/lifetime.h"
#include "container/sandbox_for_test.h"
#include "function/worker_for_test.h"
#include "worker/worker_loop.h"

namespace ebb::function {
namespace {

using testing::HasSubstr;

// An image of busybox, whose httpd is the function.
class WorkerProgramTest : public container::SandboxTest {
 protected:
  void SetUp() override {
    SandboxTest::SetUp();
    if (IsSkipped()) return;
    std::filesystem::create_directories(image_->path("srv/cgi-bin"));
    std::ofstream(image_->path("srv/index.html")) << "from inside";
    const std::filesystem::path script = image_->path("srv/cgi-bin/run");
    std::ofstream(script) << "#!/bin/sh\nprintf 'Content-Type: text/plain\\r\\n\\r\\n'\neval \"$(/bin/busybox cat)\"\n";
    std::filesystem::permissions(script, std::filesystem::perms(0755));
    sandbox_id_ = spec().id;
    worker_.emplace(EBB_TEST_BIN "/ebb-worker-container", sandbox_id_);
  }
  // As ebb-spawner does when a worker has ended: a sealed one removes no cgroup.
  void TearDown() override {
    worker_.reset();
    if (sandbox_id_.empty()) return;
    const Status ended = container::end_containers(sandbox_id_, milliseconds(10'000));
    EXPECT_TRUE(ended) << ended.error().message;
  }
  domain::FunctionStart httpd() {
    const container::SandboxSpec box = spec();
    return {.sandbox_id = box.id,
            .root = box.root,
            .host_id_base = box.host_id_base,
            .uid = box.uid,
            .gid = box.gid,
            .memory_bytes = box.memory_bytes,
            .tmp_bytes = box.tmp_bytes,
            .pids_max = box.pids_max,
            .hostname = box.hostname,
            .argv = {"sh", "-c", "exec /bin/busybox httpd -f -v -p $PORT -h /srv"},
            .env = {"PATH=/bin"},
            .contract = domain::Contract::kCloudRun,
            .name = "httpd",
            .version = "1",
            .port = 8080,
            .concurrency = 4,
            .start_max = milliseconds(60'000),
            .call_max = milliseconds(60'000)};
  }
  WorkerUnderTest::Answer run(uint64_t id, const std::string& text) {
    worker_->execute(id, {.method = "POST", .target = "/cgi-bin/run", .headers = {{"Content-Length", std::to_string(text.size())}}, .has_body = true});
    worker_->input(id, text, true);
    return worker_->answer(id);
  }
  std::string sandbox_id_;
  std::optional<WorkerUnderTest> worker_;
};

TEST_F(WorkerProgramTest, ServesParksAndWakes) {
  worker_->load(httpd(), 0);
  ASSERT_TRUE(worker_->ready(0)) << worker_->load_error();
  worker_->unpark(2);
  ASSERT_TRUE(worker_->ready(2)) << worker_->load_error();
  const auto got = worker_->call(1, {.method = "GET", .target = "/index.html"});
  ASSERT_TRUE(got.finished) << got.refused->message;
  EXPECT_EQ(got.body, "from inside");
  worker_->park();
  ASSERT_TRUE(worker_->parked());
  worker_->unpark(2);
  ASSERT_TRUE(worker_->ready(2));
  EXPECT_EQ(run(2, "echo $PORT $K_SERVICE; hostname; id -u").body, "8080 httpd\nfunction\n1000\n");
  for (const std::string& line : worker_->log)
    EXPECT_THAT(line, testing::Not(HasSubstr("could not be frozen")));
  worker_->close();
  EXPECT_EQ(worker_->ended(), 0);
}

TEST_F(WorkerProgramTest, CannotBeStarted) {
  auto start = httpd();
  start.argv = {"/bin/nothing"};
  worker_->load(start, 1);
  EXPECT_EQ(worker_->ended(), worker::kLoadFailedExit);
  EXPECT_THAT(worker_->load_error(), HasSubstr("there is no such file in the image"));
}

TEST_F(WorkerProgramTest, ExitsAtOnce) {
  auto start = httpd();
  start.argv = {"sh", "-c", "echo no luck; exit 1"};
  worker_->load(start, 1);
  EXPECT_EQ(worker_->ended(), worker::kLoadFailedExit);
  EXPECT_THAT(worker_->load_error(), HasSubstr("before it was ready"));
  EXPECT_THAT(worker_->load_error(), HasSubstr("no luck"));
}

TEST_F(WorkerProgramTest, RunsOutOfMemory) {
  if (runtime_.cgroups == container::CgroupKind::kNone) GTEST_SKIP() << "no cgroups here";
  auto start = httpd();
  start.argv = {"sh", "-c", "x=0123456789abcdef; while true; do x=$x$x; done"};
  worker_->load(start, 1);
  EXPECT_EQ(worker_->ended(), worker::kLoadFailedExit);
  EXPECT_THAT(worker_->load_error(), HasSubstr("memory"));
}

}  // namespace
}  // namespace ebb::function
