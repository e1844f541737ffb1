// The real ebb-worker-onnx, confined and sealed, with a small model.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "engine_onnx/onnx_for_test.h"
#include "io/folder_for_test.h"
#include "worker/worker_loop.h"
#include "worker/worker_process.h"

namespace ebb::worker {
namespace {

using domain::DataType;
using wire::FrameType;
namespace pb = wire::pb;
namespace onnx = engine_onnx::test;

class OnnxWorker : public testing::Test, protected WorkerProcess {
 protected:
  OnnxWorker() : WorkerProcess(EBB_TEST_BIN "/ebb-worker-onnx") {}

  void ask(uint64_t call, const domain::Tensors& tensors) {
    domain::Call what;
    what.input = tensors;
    write(wire::encode_frame(FrameType::kExecute, call, wire::encode_call(what)));
  }
  // The data of the one output of a call; "" if it ends without.
  std::string output(uint64_t call) {
    std::string data;
    for (wire::Frame frame = next_news(); frame.type != FrameType::kFinished; frame = next_news()) {
      EXPECT_EQ(frame.stream, call);
      if (frame.type == FrameType{} || frame.type == FrameType::kRefused) return {};
      if (frame.type == FrameType::kBytes) data += wire::decode_bytes(frame.body)->data;
    }
    return data;
  }
  void say_prepared(const Fd& prepared) {
    const std::string frame = wire::encode_frame(FrameType::kPrepared, 0, "");
    EXPECT_EQ(io::send_some_with_fd(channel(), frame, prepared.get()), static_cast<ssize_t>(frame.size()));
  }
};

domain::Tensors one_row() { return {.inputs = {onnx::tensor<float>("x", DataType::kFp32, {1, 2}, {1, 1})}}; }
std::string product_of_one_row() { return onnx::bytes_of(std::vector<float>{4, 6}); }

TEST_F(OnnxWorker, AnswersSealedParksAndAnswersTheSame) {
  EXPECT_EQ(hello().engine(), "onnx");
  load("small", 2, 0, onnx::file_with(onnx::package(onnx::matmul())));  // no context: it takes no text
  expect_ready(2);
  ask(1, one_row());
  EXPECT_EQ(output(1), product_of_one_row());

  say(FrameType::kPark, pb::Park{});
  EXPECT_EQ(next().type, FrameType::kParked);
  pb::Unpark unpark;
  unpark.set_slots(2);
  say(FrameType::kUnpark, unpark);
  expect_ready(2);
  pb::Threads threads;  // a session, and threads of its own, made behind the seal
  threads.set_threads(2);
  say(FrameType::kThreads, threads);
  ask(2, one_row());
  EXPECT_EQ(output(2), product_of_one_row());
  close();
  EXPECT_EQ(exit_status(), 0);
}

TEST_F(OnnxWorker, CancelsARunThatWouldNotEnd) {
  load("endless", 1, 256, onnx::file_with(onnx::package(onnx::endless())));
  expect_ready(1);
  domain::Tensors forever{.inputs = {onnx::tensor<float>("x", DataType::kFp32, {1}, {0}),
                                     onnx::tensor<int64_t>("count", DataType::kInt64, {}, {int64_t{1} << 60}),
                                     onnx::tensor<char>("go_on", DataType::kBool, {}, {1})}};
  ask(1, forever);
  // It lives: the server hears of it while the run goes on.
  EXPECT_EQ(next().type, FrameType::kProgress);
  say(FrameType::kCancel, pb::Park{}, 1);
  EXPECT_EQ(next_news().type, FrameType::kFinished);
  forever.inputs[1] = onnx::tensor<int64_t>("count", DataType::kInt64, {}, {3});
  ask(2, forever);
  EXPECT_EQ(output(2), onnx::bytes_of(std::vector<float>{3}));
}

TEST_F(OnnxWorker, AModelThatDoesNotFitItsPreparedFormIsLoadedAsItIs) {
  say_prepared(onnx::file_with(onnx::package("not for this model", R"({"prepared_for":"other","prepared_from":"other"})")));
  load("small", 1, 256, onnx::file_with(onnx::package(onnx::matmul())));
  const wire::Frame frame = next_news();
  ASSERT_EQ(frame.type, FrameType::kLog);
  pb::Log log;
  ASSERT_TRUE(log.ParseFromString(frame.body));
  EXPECT_NE(log.line().find("does not fit"), std::string::npos) << log.line();
  expect_ready(1);
  ask(1, one_row());
  EXPECT_EQ(output(1), product_of_one_row());
}

// What the program printed, and how it ended.
struct Prepared {
  std::string said;
  int status = -1;
};

Prepared run_prepare(const Fd& package, const Fd& out, bool key = false) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const Fd ours(ends[0]);
  Fd theirs(ends[1]);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, theirs.get(), 1);
  if (!key) posix_spawn_file_actions_adddup2(&actions, package.get(), 3);
  if (!key) posix_spawn_file_actions_adddup2(&actions, out.get(), 4);
  std::string program = EBB_TEST_BIN "/ebb-prepare-onnx";
  std::string argument = "--key";
  char* arguments[] = {program.data(), key ? argument.data() : nullptr, nullptr};
  char* environment[] = {nullptr};
  pid_t pid = 0;
  EXPECT_EQ(::posix_spawn(&pid, program.c_str(), &actions, nullptr, arguments, environment), 0);
  posix_spawn_file_actions_destroy(&actions);
  theirs.reset();
  Prepared prepared;
  char buffer[4096];
  for (ssize_t count = ::read(ours.get(), buffer, sizeof buffer); count > 0; count = ::read(ours.get(), buffer, sizeof buffer))
    prepared.said.append(buffer, static_cast<size_t>(count));
  int status = 0;
  EXPECT_EQ(::waitpid(pid, &status, 0), pid);
  if (WIFEXITED(status)) prepared.status = WEXITSTATUS(status);
  return prepared;
}

TEST_F(OnnxWorker, StartsFromWhatWasPrepared) {
  // On a disk, where a confined program can open nothing by name.
  const io::FolderForTest folder;
  const Fd package = onnx::file_with(onnx::package(onnx::matmul()));
  const Fd prepared(::open(folder.path("prepared").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  const Prepared made = run_prepare(package, prepared);
  ASSERT_EQ(made.status, 0) << made.said;
  EXPECT_EQ(made.said, "{\"bytes\":" + std::to_string(std::filesystem::file_size(folder.path("prepared"))) + "}\n");
  say_prepared(prepared);
  load("small", 1, 256, package);
  expect_ready(1);  // and no line of a log before it, as there is where it is not used
  ask(1, one_row());
  EXPECT_EQ(output(1), product_of_one_row());
}

TEST(PrepareOnnx, SaysWhatIsWrong) {
  const Fd out = onnx::file_with("");
  for (const std::string& bad : {std::string("no package"), onnx::package("no model"), onnx::package(onnx::matmul()).substr(0, 1500)}) {
    const Prepared made = run_prepare(onnx::file_with(bad), out);
    EXPECT_EQ(made.status, 1);
    EXPECT_TRUE(made.said.starts_with("{\"error\":\"")) << made.said;
  }
}

// External data is looked for in the package and nowhere else: not even where it lies beside a file that has its name.
TEST(PrepareOnnx, OpensNoOtherFile) {
  const io::FolderForTest folder;
  const std::string outside = folder.write("w.bin", "12345678").string();
  const Fd out = onnx::file_with("");
  for (const std::string& location : {outside, std::string("../../../../../../../..") + outside}) {
    const std::string model = onnx::model(onnx::node("Add", {"x", "w"}, {"y"}) + onnx::weight_outside("w", DataType::kFp32, {1, 2}, location, 0, 8) +
                                          onnx::takes("x", DataType::kFp32, {-1, 2}) + onnx::gives("y", DataType::kFp32, {-1, 2}));
    EXPECT_EQ(run_prepare(onnx::file_with(onnx::package(model)), out).status, 1);
  }
}

TEST(PrepareOnnx, ItsKeyIsAWord) {
  const Prepared key = run_prepare({}, {}, true);
  EXPECT_EQ(key.status, 0);
  EXPECT_TRUE(key.said.starts_with("ort1.")) << key.said;
  EXPECT_EQ(key.said.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789.-\n"), std::string::npos) << key.said;
}

TEST_F(OnnxWorker, SaysWhyItCannotLoad) {
  load("broken", 1, 256, onnx::file_with(onnx::package("no model")));
  const wire::Frame frame = next_news();
  ASSERT_EQ(frame.type, FrameType::kLoadFailed);
  pb::LoadFailed failed;
  ASSERT_TRUE(failed.ParseFromString(frame.body));
  EXPECT_FALSE(failed.message().empty());
  EXPECT_EQ(exit_status(), kLoadFailedExit);
}

TEST_F(OnnxWorker, EndsOnAPreparedWithoutADescriptor) {
  write(wire::encode_frame(FrameType::kPrepared, 0, ""));
  EXPECT_EQ(exit_status(), kProtocolExit);
}

TEST_F(OnnxWorker, EndsOnAPreparedAfterTheLoad) {
  load("small", 1, 256, onnx::file_with(onnx::package(onnx::matmul())));
  expect_ready(1);
  say_prepared(onnx::file_with(onnx::package("")));
  EXPECT_EQ(exit_status(), kProtocolExit);
}

}  // namespace
}  // namespace ebb::worker
