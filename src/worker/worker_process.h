// For tests: a worker program as a child, spoken to as the server would.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <cerrno>
#include <string>

#include "base/fd.h"
#include "domain/limits.h"
#include "io/fd_passing.h"
#include "wire/frame.h"
#include "wire/worker.pb.h"
#include "wire/worker_call.h"

namespace ebb::worker {

class WorkerProcess {
 public:
  struct Answer {
    std::string text;
    int64_t tokens = 0;
    wire::pb::Finished finished;
    wire::FrameType last{};
  };

  // Waits for its Blank.
  explicit WorkerProcess(std::string program) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ours_ = Fd(ends[0]);
    const Fd theirs(ends[1]);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, theirs.get(), 3);
    // A confined worker may write to no file, so not to the log of the tests either.
    for (const int standard : {0, 1, 2})
      posix_spawn_file_actions_addopen(&actions, standard, "/dev/null", O_RDWR, 0);
    char* arguments[] = {program.data(), nullptr};
    char* environment[] = {nullptr};
    EXPECT_EQ(::posix_spawn(&pid_, program.c_str(), &actions, nullptr, arguments, environment), 0) << program;
    posix_spawn_file_actions_destroy(&actions);
    const wire::Frame blank = next();
    EXPECT_EQ(blank.type, wire::FrameType::kBlank);
    EXPECT_TRUE(hello_.ParseFromString(blank.body));
  }
  ~WorkerProcess() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;

  const wire::pb::Blank& hello() const { return hello_; }

  void write(std::string_view bytes) { EXPECT_EQ(::send(ours_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size())); }
  template <class Message>
  void say(wire::FrameType type, const Message& body, uint64_t stream = 0) {
    write(wire::encode_frame(type, stream, body.SerializeAsString()));
  }
  void close() { ours_.reset(); }
  int channel() const { return ours_.get(); }

  // With the model's descriptor, if there is one.
  void load(const std::string& name, int slots, int64_t context, const Fd& model = {}) {
    wire::pb::Load body;
    body.set_model_name(name);
    body.set_context_tokens(context);
    body.set_slots(slots);
    body.set_threads(1);
    const std::string frame = wire::encode_frame(wire::FrameType::kLoad, 0, body.SerializeAsString());
    if (!model) return write(frame);
    EXPECT_EQ(io::send_some_with_fd(ours_.get(), frame, model.get()), static_cast<ssize_t>(frame.size()));
  }

  void execute(uint64_t call, const std::string& user, const std::string& system = {}, int64_t max_tokens = 0) {
    domain::Chat chat;
    if (!system.empty()) chat.messages.push_back({.role = "system", .content = system});
    chat.messages.push_back({.role = "user", .content = user});
    domain::Call what;
    what.input = std::move(chat);
    what.sampling.temperature = 0;
    if (max_tokens > 0) what.sampling.max_tokens = max_tokens;
    write(wire::encode_frame(wire::FrameType::kExecute, call, wire::encode_call(what)));
  }

  // The next frame; one of type 0 when the worker closed its end or said what is no frame.
  wire::Frame next() {
    for (;;) {
      auto frame = reader_.next();
      if (!frame) return {};
      if (frame->has_value()) return **frame;
      pollfd wanted{.fd = ours_.get(), .events = POLLIN, .revents = 0};
      if (::poll(&wanted, 1, kPatienceMs) <= 0) {
        ADD_FAILURE() << "the worker says nothing";
        return {};
      }
      char buffer[4096];
      const ssize_t count = ::recv(ours_.get(), buffer, sizeof buffer, 0);
      if (count <= 0) return {};
      reader_.feed(std::string_view(buffer, static_cast<size_t>(count)));
    }
  }
  // The next that is no progress.
  wire::Frame next_news() {
    for (;;) {
      wire::Frame frame = next();
      if (frame.type != wire::FrameType::kProgress) return frame;
    }
  }

  void expect_ready(int slots) {
    const wire::Frame frame = next_news();
    ASSERT_EQ(frame.type, wire::FrameType::kReady);
    wire::pb::Ready ready;
    ASSERT_TRUE(ready.ParseFromString(frame.body));
    EXPECT_EQ(ready.slots(), slots);
  }

  // Reads to the end of one call, when only that runs.
  Answer answer(uint64_t call) {
    Answer result;
    for (;;) {
      const wire::Frame frame = next_news();
      result.last = frame.type;
      if (frame.type == wire::FrameType{}) return result;
      EXPECT_EQ(frame.stream, call);
      wire::pb::Text text;
      if (frame.type == wire::FrameType::kText && text.ParseFromString(frame.body)) {
        result.text += text.text();
        result.tokens += text.tokens();
      }
      if (frame.type == wire::FrameType::kFinished) {
        EXPECT_TRUE(result.finished.ParseFromString(frame.body));
      }
      if (frame.type != wire::FrameType::kText && frame.type != wire::FrameType::kStarted) return result;
    }
  }

  // The wait status after the process ended by itself.
  int ended() {
    int status = 0;
    EXPECT_EQ(::waitpid(pid_, &status, 0), pid_);
    pid_ = 0;
    return status;
  }
  int exit_status() {
    const int status = ended();
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  // Longer than any answer takes on a machine that is busy with other things; reaching it fails the test.
  static constexpr int kPatienceMs = 60'000;

  Fd ours_;
  pid_t pid_ = 0;
  wire::FrameReader reader_{domain::kWorkerFrameBytesMax};
  wire::pb::Blank hello_;
};

}  // namespace ebb::worker
