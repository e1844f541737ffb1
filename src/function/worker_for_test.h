// For tests: a function worker in a thread of this process, spoken to as the server would; each of its frames passes the server's strict reader.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "domain/limits.h"
#include "function/unconfined_instance_for_test.h"
#include "function/worker.h"
#include "instance/worker_link.h"
#include "io/fd_passing.h"
#include "wire/container_load.h"
#include "wire/passed_headers.h"
#include "wire/worker.pb.h"
#include "wire/worker_call.h"

namespace ebb::function {

class WorkerUnderTest {
 public:
  // What became of a call.
  struct Answer {
    bool started = false;
    std::optional<domain::HttpHead> head;
    std::string body;
    std::vector<std::string> pieces;  // of it, as they came
    domain::HttpHeaders trailers;
    size_t taken = 0;
    bool finished = false;
    bool cancelled = false;
    std::optional<Error> refused;

    bool ended() const { return finished || refused; }
    std::string header(std::string_view name) const {
      const std::string* value = head ? wire::find_header(head->headers, name) : nullptr;
      return value == nullptr ? "" : *value;
    }
  };

  explicit WorkerUnderTest(uint64_t answer_bytes_max = domain::kFunctionAnswerBytesMax) {
    run_in_thread([this, answer_bytes_max](Fd channel) {
      return run_function_worker({.channel = std::move(channel),
                                  .version = "test 1",
                                  .sandbox_id = "box",
                                  .prepare = [this](const domain::FunctionStart&) -> Result<std::unique_ptr<Instance>> {
                                    auto instance = std::make_unique<UnconfinedInstance>();
                                    instance_ = instance.get();
                                    return instance;
                                  },
                                  .seal = []() -> Status { return {}; },
                                  .clock = clock_,
                                  .answer_bytes_max = answer_bytes_max});
    });
  }
  // The real program, with all its walls.
  WorkerUnderTest(const char* program, std::string container) {
    run_in_thread([program, container](Fd channel) { return run_program(program, container, std::move(channel)); });
  }
  ~WorkerUnderTest() {
    ours_.reset();
    if (thread_.joinable()) thread_.join();
  }
  WorkerUnderTest(const WorkerUnderTest&) = delete;
  WorkerUnderTest& operator=(const WorkerUnderTest&) = delete;

  // A program of tests/functions, run by Python.
  static domain::FunctionStart function(domain::Contract contract, const std::string& script, std::vector<std::string> arguments = {}) {
    const domain::ContractDefaults defaults = domain::contract_defaults(contract);
    domain::FunctionStart start{.sandbox_id = "box",
                                .root = "/",
                                .memory_bytes = 128ULL << 20U,
                                .pids_max = 64,
                                .argv = {"python3", "-u", EBB_SOURCE_DIR "/tests/functions/" + script},
                                .env = {std::string("PATH=") + std::getenv("PATH")},
                                .contract = contract,
                                .name = "resize",
                                .version = "3",
                                .port = UnconfinedInstance::free_port(),
                                .concurrency = defaults.concurrency,
                                .start_max = milliseconds(60'000),
                                .call_max = milliseconds(60'000)};
    start.argv.insert(start.argv.end(), arguments.begin(), arguments.end());
    return start;
  }

  // False: the worker is gone.
  bool say_raw(wire::FrameType type, uint64_t call, std::string_view body) {
    const std::string frame = wire::encode_frame(type, call, body);
    return ::send(ours_.get(), frame.data(), frame.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(frame.size());
  }
  void say(wire::FrameType type, uint64_t call, std::string_view body) { EXPECT_TRUE(say_raw(type, call, body)); }
  void load(const domain::FunctionStart& start, int slots) { say(wire::FrameType::kLoad, 0, wire::encode_container_load(start, slots)); }
  void unpark(int slots) {
    wire::pb::Unpark body;
    body.set_slots(slots);
    say(wire::FrameType::kUnpark, 0, body.SerializeAsString());
  }
  void end(milliseconds grace) {
    wire::pb::End body;
    body.set_grace_ms(grace.count());
    say(wire::FrameType::kEnd, 0, body.SerializeAsString());
  }
  void park() { say(wire::FrameType::kPark, 0, {}); }
  void execute(uint64_t call, domain::HttpRequest request) {
    domain::Call what;
    what.input = std::move(request);
    link_.running[CallId{call}] = instance::WorkerLink::running_for(what);
    answers_[call] = {};
    say(wire::FrameType::kExecute, call, wire::encode_call(what));
  }
  // False: the worker is gone.
  bool try_input(uint64_t call, std::string_view data, bool last) {
    if (const auto running = link_.running.find(CallId{call}); running != link_.running.end()) running->second.body_sent += data.size();
    return say_raw(wire::FrameType::kInput, call, wire::encode_input(data, last));
  }
  void input(uint64_t call, std::string_view data, bool last) { EXPECT_TRUE(try_input(call, data, last)); }
  void cancel(uint64_t call) { say(wire::FrameType::kCancel, call, {}); }
  // A body of any size, within the window.
  void send_body(uint64_t call, const std::string& body) {
    for (size_t at = 0;;) {
      const size_t piece = std::min(body.size() - at, domain::kBodyPieceBytesMax);
      if (!read_until([&] { return answers_[call].ended() || at + piece <= answers_[call].taken + domain::kBodyWindowBytes; })) return;
      if (answers_[call].ended()) return;
      input(call, std::string_view(body).substr(at, piece), at + piece == body.size());
      at += piece;
      if (at == body.size()) return;
    }
  }
  void close() { ours_.reset(); }

  // Reads until something is so; false: the channel ended before.
  bool read_until(const std::function<bool()>& so) {
    while (!so())
      if (!read_one()) return false;
    return true;
  }
  bool ready(int slots) {
    return read_until([&] { return ready_slots_.contains(slots); }) && ready_slots_.erase(slots) > 0;
  }
  bool parked() {
    return read_until([&] { return parked_; }) && std::exchange(parked_, false);
  }
  const Answer& so_far(uint64_t call) { return answers_[call]; }
  const Answer& answer(uint64_t call) {
    EXPECT_TRUE(read_until([&] { return answers_[call].ended(); })) << "the channel ended before the call";
    return answers_[call];
  }
  Answer call(uint64_t id, domain::HttpRequest request) {
    execute(id, std::move(request));
    return answer(id);
  }
  // The exit status, after all that it still says.
  int ended() {
    read_until([] { return false; });
    if (thread_.joinable()) thread_.join();
    return status_;
  }
  std::string load_error() { return link_.own_error ? link_.own_error->message : ""; }
  std::vector<std::string> log;
  std::vector<Fd> attachments;
  bool logged(std::string_view part) {
    return read_until([&] { return std::ranges::any_of(log, [&](const std::string& line) { return line.find(part) != std::string::npos; }); });
  }
  // Off: answers wait once their window is full.
  bool gives_credit = true;
  void credit(uint64_t call, size_t bytes) {
    if (const auto running = link_.running.find(CallId{call}); running != link_.running.end()) {
      running->second.window += bytes;
      (void)say_raw(wire::FrameType::kCredit, call, wire::encode_credit(bytes));  // it may have ended with its function
    }
  }
  int connections() const { return instance_.load()->connections; }

 private:
  void run_in_thread(std::function<int(Fd)> worker) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    ours_ = Fd(ends[0]);
    link_.worker = WorkerId{1};
    thread_ = std::thread([this, theirs = ends[1], worker = std::move(worker)] { status_ = worker(Fd(theirs)); });
  }

  static int run_program(const char* program, std::string container, Fd channel) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, channel.get(), 3);
    for (const int standard : {0, 1, 2})
      posix_spawn_file_actions_addopen(&actions, standard, "/dev/null", O_RDWR, 0);
    pid_t pid = 0;
    std::string name(program);
    char* arguments[] = {name.data(), container.data(), nullptr};
    char zone[] = "TZ=UTC0";  // as ebb-spawner does it
    char* environment[] = {zone, nullptr};
    EXPECT_EQ(::posix_spawn(&pid, program, &actions, nullptr, arguments, environment), 0) << program;
    posix_spawn_file_actions_destroy(&actions);
    channel.reset();
    int status = 0;
    EXPECT_EQ(::waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  // Longer than anything takes on a machine that is busy with other things; reaching it fails the test.
  static constexpr int kPatienceMs = 60'000;

  bool read_one() {
    while (ours_) {
      auto frame = reader_.next();
      if (!frame) {
        ADD_FAILURE() << frame.error().message;
        return false;
      }
      if (frame->has_value()) {
        take(**frame);
        return true;
      }
      pollfd wanted{.fd = ours_.get(), .events = POLLIN, .revents = 0};
      if (::poll(&wanted, 1, kPatienceMs) <= 0) {
        ADD_FAILURE() << "the worker says nothing";
        return false;
      }
      char buffer[64 * 1024];
      const ssize_t count = io::receive_some_with_fds(ours_.get(), buffer, attachments);
      if (count <= 0) return false;
      reader_.feed(std::string_view(buffer, static_cast<size_t>(count)));
    }
    return false;
  }

  void take(const wire::Frame& frame) {
    if (frame.type == wire::FrameType::kEgress) return;  // its socket is among the attachments
    Result<std::optional<instance::Report>> report = instance::read_frame(link_, frame);
    if (!report) {
      ADD_FAILURE() << "the server would kill this worker: " << report.error().message;
      return;
    }
    if (!*report) return;
    if (const auto* said = std::get_if<instance::WorkerLog>(&**report)) log.push_back(said->line);
    if (const auto* ready = std::get_if<instance::SlotsReady>(&**report)) ready_slots_.insert(ready->slots);
    if (std::holds_alternative<instance::WorkerParked>(**report)) parked_ = true;
    take_of_call(frame.stream, **report);
  }

  void take_of_call(uint64_t call, instance::Report& report) {
    if (call == 0) return;
    Answer& answer = answers_[call];
    if (std::holds_alternative<instance::CallStarted>(report)) answer.started = true;
    if (const auto* taken = std::get_if<instance::CallTaken>(&report)) answer.taken += taken->bytes;
    if (const auto* refused = std::get_if<instance::CallRefused>(&report)) answer.refused = refused->error;
    if (const auto* finished = std::get_if<instance::CallFinished>(&report)) {
      answer.finished = true;
      answer.cancelled = finished->cancelled;
    }
    auto* piece = std::get_if<instance::CallPiece>(&report);
    if (piece == nullptr) return;
    if (auto* head = std::get_if<domain::HttpHead>(&piece->piece)) answer.head = *head;
    if (auto* trailers = std::get_if<domain::Trailers>(&piece->piece)) answer.trailers = trailers->headers;
    if (auto* bytes = std::get_if<domain::Bytes>(&piece->piece)) {
      answer.body += bytes->data;
      answer.pieces.push_back(bytes->data);
      if (gives_credit) credit(call, bytes->data.size());
    }
  }

  const io::SystemClock clock_;
  Fd ours_;
  std::thread thread_;
  std::atomic<int> status_{-1};
  std::atomic<UnconfinedInstance*> instance_{nullptr};
  wire::FrameReader reader_{domain::kWorkerFrameBytesMax};
  instance::WorkerLink link_;
  std::map<uint64_t, Answer> answers_;
  std::multiset<int> ready_slots_;
  bool parked_ = false;
};

}  // namespace ebb::function
