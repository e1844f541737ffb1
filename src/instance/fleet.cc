// Verbs become frames, frames become reports.
#include "instance/fleet.h"

#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <limits>
#include <utility>
#include <variant>

#include "base/log.h"
#include "domain/limits.h"
#include "sandbox/start_spawner.h"
#include "wire/container_load.h"
#include "wire/spawner.pb.h"
#include "wire/worker.pb.h"
#include "wire/worker_call.h"

namespace ebb::instance {

namespace {

using wire::FrameType;

constexpr milliseconds kShutDownMax{5'000};
constexpr uint64_t kEgressToken = std::numeric_limits<uint64_t>::max();  // no worker's

std::string exit_sentence(const wire::pb::Exited& exited) {
  return exited.signal() != 0 ? fmt::format("signal {}", exited.signal()) : fmt::format("exit {}", exited.exit_code());
}

std::string encode_load(const StartOrder& order) {
  wire::pb::Load load;
  load.set_model_name(order.model_name);
  load.set_context_tokens(order.context_tokens);
  load.set_tensor_bytes_max(order.tensor_bytes_max);
  load.set_slots(order.slots);
  load.set_threads(order.threads);
  return load.SerializeAsString();
}

}  // namespace

Fleet::Fleet(io::Executor executor, FleetOptions options)
    : executor_(executor),
      options_(std::move(options)),
      egress_(executor, {.start =
                             [this] {
                               wire::pb::Spawn spawn;
                               spawn.set_engine("egress");
                               spawn.set_token(kEgressToken);
                               if (spawner_)
                                 (void)spawner_->send(FrameType::kSpawn, 0, spawn.SerializeAsString());  // without one no instance lives that needs it
                             },
                         .kill = [this] { order_kill(WorkerId{kEgressToken}); },
                         .report = [this](EgressEnded ended) { report(std::move(ended)); }}),
      reported_(executor, io::Timer::time_point::max()) {}

Fleet::~Fleet() = default;

Status Fleet::start_spawner() {
  Result<sandbox::SpawnerProcess> process = sandbox::start_spawner(options_.spawner_program, options_.containers);
  if (!process) return fail(process.error());
  spawner_pid_ = process->pid;
  spawner_process_ = std::move(process->pidfd);
  spawner_ = std::make_unique<Channel>(executor_, std::move(process->channel), domain::kWorkerFrameBytesMax);
  for (const auto& [engine, blanks] : blanks_) {
    if (Status sent = order_blanks(engine, blanks); !sent) return sent;
  }
  io::asio::co_spawn(executor_, read_spawner(), io::asio::detached);
  return {};
}

Status Fleet::order_blanks(domain::Engine engine, int blanks) {
  wire::pb::Pool pool;
  pool.set_engine(std::string(to_string(engine)));
  pool.set_blanks(blanks);
  return spawner_->send(FrameType::kPool, 0, pool.SerializeAsString());
}

void Fleet::keep_blanks(domain::Engine engine, int blanks) {
  if (std::exchange(blanks_[engine], blanks) == blanks || !spawner_) return;
  (void)order_blanks(engine, blanks);  // a dead spawner's successor is told
}

void Fleet::start(StartOrder order) {
  auto link = std::make_shared<WorkerLink>();
  link->worker = order.worker;
  link->has_function = order.function.has_value();
  link->egress = std::move(order.egress);
  std::string load = order.function ? wire::encode_container_load(*order.function, order.slots) : encode_load(order);
  if (order.prepared) link->before_channel.emplace_back(wire::Frame{.type = FrameType::kPrepared, .stream = 0, .body = {}}, std::move(order.prepared));
  if (order.prefixes)
    link->before_channel.emplace_back(wire::Frame{.type = FrameType::kPrefixes, .stream = 0, .body = std::move(order.prefixes_key)}, std::move(order.prefixes));
  link->before_channel.emplace_back(wire::Frame{.type = FrameType::kLoad, .stream = 0, .body = std::move(load)}, std::move(order.model));
  workers_[order.worker] = link;

  wire::pb::Spawn spawn;
  spawn.set_engine(std::string(to_string(order.engine)));
  spawn.set_token(order.worker.value);
  const Status sent = spawner_ ? spawner_->send(FrameType::kSpawn, 0, spawn.SerializeAsString()) : fail(ErrorKind::kUnavailable, "no spawner runs");
  if (!sent) gone(order.worker, sent.error().message);
}

void Fleet::tell(WorkerId worker, FrameType type, uint64_t stream, std::string_view body) {
  const auto found = workers_.find(worker);
  if (found == workers_.end()) return;  // gone: its report is on the way
  WorkerLink& link = *found->second;
  if (!link.channel) {
    link.before_channel.emplace_back(wire::Frame{.type = type, .stream = stream, .body = std::string(body)}, Fd{});
    return;
  }
  const Status sent = link.channel->send(type, stream, body);
  if (!sent) kill(worker, sent.error().message);
}

void Fleet::park(WorkerId worker) { tell(worker, FrameType::kPark, 0, {}); }

void Fleet::unpark(WorkerId worker, int slots) {
  wire::pb::Unpark unpark;
  unpark.set_slots(slots);
  tell(worker, FrameType::kUnpark, 0, unpark.SerializeAsString());
}

void Fleet::resize(WorkerId worker, int slots) {
  wire::pb::Resize resize;
  resize.set_slots(slots);
  tell(worker, FrameType::kResize, 0, resize.SerializeAsString());
}

void Fleet::set_threads(WorkerId worker, int threads) {
  wire::pb::Threads message;
  message.set_threads(threads);
  tell(worker, FrameType::kThreads, 0, message.SerializeAsString());
}

void Fleet::execute(WorkerId worker, CallId call, const domain::Call& what) {
  const auto found = workers_.find(worker);
  if (found == workers_.end()) return;
  found->second->running[call] = WorkerLink::running_for(what);
  tell(worker, FrameType::kExecute, call.value, wire::encode_call(what));
}

void Fleet::cancel(WorkerId worker, CallId call) { tell(worker, FrameType::kCancel, call.value, {}); }

void Fleet::hold(WorkerId worker, CallId call) { tell(worker, FrameType::kHold, call.value, {}); }

void Fleet::resume(WorkerId worker, CallId call) { tell(worker, FrameType::kResume, call.value, {}); }

WorkerLink::Running* Fleet::running(WorkerId worker, CallId call) {
  const auto link = workers_.find(worker);
  if (link == workers_.end()) return nullptr;
  const auto found = link->second->running.find(call);
  return found == link->second->running.end() ? nullptr : &found->second;
}

void Fleet::input(WorkerId worker, CallId call, std::string_view data, bool last) {
  WorkerLink::Running* const one = running(worker, call);
  if (one == nullptr) return;  // it ended meanwhile
  one->body_sent += data.size();
  tell(worker, FrameType::kInput, call.value, wire::encode_input(data, last));
}

void Fleet::credit(WorkerId worker, CallId call, size_t bytes) {
  WorkerLink::Running* const one = running(worker, call);
  if (one == nullptr || bytes == 0) return;
  one->window += bytes;
  tell(worker, FrameType::kCredit, call.value, wire::encode_credit(bytes));
}

void Fleet::kill(WorkerId worker, std::string reason) {
  const auto found = workers_.find(worker);
  if (found == workers_.end()) return;
  if (found->second->kill_reason.empty()) found->second->kill_reason = std::move(reason);
  order_kill(worker);
}

void Fleet::end(WorkerId worker, std::string reason, milliseconds grace) {
  const auto found = workers_.find(worker);
  if (found == workers_.end() || !found->second->end_reason.empty() || !found->second->kill_reason.empty()) return;
  const std::shared_ptr<WorkerLink> link = found->second;
  if (!link->has_function || !link->channel) return kill(worker, std::move(reason));
  link->end_reason = std::move(reason);
  wire::pb::End end;
  end.set_grace_ms(grace.count());
  tell(worker, FrameType::kEnd, 0, end.SerializeAsString());
  kill_later(link, grace + domain::kFunctionEndReportMax);
}

void Fleet::kill_later(const std::shared_ptr<WorkerLink>& link, milliseconds patience) {
  link->end_deadline = std::make_unique<io::Timer>(executor_, patience);
  link->end_deadline->async_wait([this, weak = std::weak_ptr(link)](io::ErrorCode error) {
    const auto live = weak.lock();
    if (!error && live && live->exit_reason.empty()) kill(live->worker, live->end_reason);
  });
}

void Fleet::end_functions(const std::string& reason, milliseconds grace) {
  std::vector<WorkerId> all;
  for (const auto& [worker, link] : workers_)
    if (link->has_function) all.push_back(worker);
  for (const WorkerId worker : all)
    end(worker, reason, grace);
}

size_t Fleet::functions() const {
  return static_cast<size_t>(std::ranges::count_if(workers_, [](const auto& entry) { return entry.second->has_function; }));
}

void Fleet::order_kill(WorkerId worker) {
  wire::pb::Kill kill;
  kill.set_token(worker.value);
  if (spawner_) (void)spawner_->send(FrameType::kKill, 0, kill.SerializeAsString());  // a dead spawner took its workers along
}

void Fleet::report(Report report) {
  reports_.push_back(std::move(report));
  reported_.cancel();
}

io::Task<Report> Fleet::next() {
  while (reports_.empty()) {
    [[maybe_unused]] const auto woken = co_await reported_.async_wait(io::asio::as_tuple(io::use_awaitable));
  }
  Report report = std::move(reports_.front());
  reports_.pop_front();
  co_return report;
}

void Fleet::gone(WorkerId worker, std::string reason) {
  const auto found = workers_.find(worker);
  if (found == workers_.end()) return;
  const std::shared_ptr<WorkerLink> link = found->second;
  workers_.erase(found);
  egress_.close(worker);
  if (link->channel) link->channel->close();
  if (!link->end_reason.empty()) reason = link->end_reason;
  report(WorkerGone{.worker = worker, .reason = link->kill_reason.empty() ? std::move(reason) : link->kill_reason, .error = link->own_error});
}

io::Task<void> Fleet::read_worker(std::shared_ptr<WorkerLink> link) {
  for (;;) {
    Result<std::vector<wire::Frame>> frames = co_await link->channel->receive();
    if (!frames) {
      if (frames.error().kind == ErrorKind::kCorrupt) kill(link->worker, frames.error().message);
      break;
    }
    for (const wire::Frame& frame : *frames) {
      if (frame.type == FrameType::kEgress) {
        if (const Status taken = take_egress(*link); !taken) kill(link->worker, taken.error().message);
        continue;
      }
      Result<std::optional<Report>> read = read_frame(*link, frame);
      if (!read) {
        kill(link->worker, read.error().message);
        break;
      }
      const bool wanted = link->kill_reason.empty() && (link->end_reason.empty() || (*read && std::holds_alternative<WorkerLog>(**read)));
      if (*read && wanted) report(std::move(**read));
    }
    if (!link->kill_reason.empty()) break;
  }
  // The end of the channel is the end of the worker, but it is gone only when it was reaped: then nothing of it is left.
  link->channel_ended = true;
  if (!link->exit_reason.empty()) {
    gone(link->worker, link->exit_reason);
  } else {
    order_kill(link->worker);  // a process without its channel is of no use; how it really ended comes with its Exited
  }
}

// Only of a function whose owner lets it out, once, and nothing but what its sandbox can have made.
Status Fleet::take_egress(WorkerLink& link) {
  Fd listener = link.channel->take_attachment();
  if (!link.egress) return fail(ErrorKind::kCorrupt, "bad frame: a way out that nobody asked for");
  if (!listens_on_loopback(listener)) return fail(ErrorKind::kCorrupt, "bad frame: a way out that is no listening socket");
  egress_.open(link.worker, *std::exchange(link.egress, std::nullopt), std::move(listener));
  return {};
}

void Fleet::on_spawned(const wire::Frame& frame) {
  wire::pb::Spawned spawned;
  if (!spawned.ParseFromString(frame.body)) return;
  const WorkerId worker{spawned.token()};
  if (spawned.token() == kEgressToken) return egress_.started(spawned.error().empty() ? spawner_->take_attachment() : Fd(), spawned.error());
  if (!spawned.error().empty()) return gone(worker, spawned.error());
  Fd socket = spawner_->take_attachment();
  const auto found = workers_.find(worker);
  if (found == workers_.end() || !socket) return;
  const std::shared_ptr<WorkerLink> link = found->second;
  link->pid = spawned.pid();
  link->container = spawned.container();
  link->channel = std::make_unique<Channel>(executor_, std::move(socket), domain::kWorkerFrameBytesMax);
  for (auto& [said, attachment] : link->before_channel) {
    if (Status sent = link->channel->send(said.type, said.stream, said.body, std::move(attachment)); !sent) kill(worker, sent.error().message);
  }
  link->before_channel.clear();
  io::asio::co_spawn(executor_, read_worker(link), io::asio::detached);
}

void Fleet::on_exited(const wire::Frame& frame) {
  wire::pb::Exited exited;
  if (!exited.ParseFromString(frame.body)) return;
  if (exited.token() == kEgressToken) return egress_.ended(exit_sentence(exited));
  const auto found = workers_.find(WorkerId{exited.token()});
  if (found == workers_.end()) return;
  // What it said before it ended is still in its channel: the reader of the channel reports it gone when it came to the end.
  const std::shared_ptr<WorkerLink> link = found->second;
  link->exit_reason = exit_sentence(exited);
  if (!link->channel || link->channel_ended) gone(link->worker, link->exit_reason);
}

io::Task<void> Fleet::read_spawner() {
  std::string reason = "the spawner ended";
  for (;;) {
    Result<std::vector<wire::Frame>> frames = co_await spawner_->receive();
    if (!frames) {
      if (frames.error().kind == ErrorKind::kCorrupt) reason = frames.error().message;
      break;
    }
    for (const wire::Frame& frame : *frames) {
      if (frame.type == FrameType::kSpawned) on_spawned(frame);
      if (frame.type == FrameType::kExited) on_exited(frame);
      if (frame.type == FrameType::kContainers) {
        wire::pb::Containers containers;
        if (containers.ParseFromString(frame.body)) report(ContainersReport{.runtime = containers.runtime()});
      }
      if (frame.type == FrameType::kSandbox) {
        wire::pb::Sandbox sandbox;
        SandboxReport layers;
        if (!sandbox.ParseFromString(frame.body)) continue;
        for (const auto& layer : sandbox.layers())
          layers.layers.push_back({.name = layer.name(), .active = layer.active(), .detail = layer.detail()});
        report(std::move(layers));
      }
    }
  }
  lose_spawner(std::move(reason));
}

void Fleet::lose_spawner(std::string reason) {
  spawner_.reset();
  spawner_process_.reset();
  std::vector<WorkerId> lost;
  for (const auto& [worker, link] : workers_)
    lost.push_back(worker);
  for (const WorkerId worker : lost)
    gone(worker, reason);
  egress_.ended(reason);
  report(SpawnerGone{.reason = std::move(reason)});
}

std::vector<std::pair<WorkerId, int>> Fleet::processes() const {
  std::vector<std::pair<WorkerId, int>> alive;
  for (const auto& [worker, link] : workers_) {
    if (link->pid != 0 && link->exit_reason.empty()) alive.emplace_back(worker, link->pid);
  }
  return alive;
}

std::map<WorkerId, std::string> Fleet::containers() const {
  std::map<WorkerId, std::string> alive;
  for (const auto& [worker, link] : workers_) {
    if (!link->container.empty()) alive.emplace(worker, link->container);
  }
  return alive;
}

void Fleet::shut_down() {
  if (!spawner_) return;
  spawner_->close();
  pollfd ended{.fd = spawner_process_.get(), .events = POLLIN, .revents = 0};
  if (::poll(&ended, 1, static_cast<int>(kShutDownMax.count())) != 1) log_warn("the spawner did not end in time", {{"pid", spawner_pid_}});
}

}  // namespace ebb::instance
