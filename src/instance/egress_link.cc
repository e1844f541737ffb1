// Who is open, told to whoever serves it now.
#include "instance/egress_link.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>

#include "base/log.h"
#include "base/utf8.h"
#include "domain/limits.h"
#include "wire/egress.pb.h"

namespace ebb::instance {

namespace {

using wire::FrameType;

constexpr size_t kFrameBytesMax = 4 * 1024;
constexpr size_t kWhatBytesMax = 500;
constexpr milliseconds kPauseMin{100};
constexpr milliseconds kPauseMax{10'000};

int option(const Fd& socket, int name) {
  int value = -1;
  socklen_t size = sizeof value;
  return ::getsockopt(socket.get(), SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

}  // namespace

bool listens_on_loopback(const Fd& socket) {
  if (!socket || option(socket, SO_DOMAIN) != AF_INET || option(socket, SO_TYPE) != SOCK_STREAM || option(socket, SO_ACCEPTCONN) != 1) return false;
  sockaddr_in address{};
  socklen_t size = sizeof address;
  return ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0 && address.sin_addr.s_addr == htonl(INADDR_LOOPBACK);
}

Result<EgressEnded> read_egress_ended(const wire::Frame& frame) {
  wire::pb::EgressEnded ended;
  if (frame.type != FrameType::kEgressEnded || !ended.ParseFromString(frame.body)) return fail(ErrorKind::kCorrupt, "bad frame from ebb-egress");
  using Outcome = EgressEnded::Outcome;
  Outcome outcome = Outcome::kPassed;
  switch (ended.outcome()) {
    case wire::pb::EgressEnded::PASSED: break;
    case wire::pb::EgressEnded::REFUSED: outcome = Outcome::kRefused; break;
    case wire::pb::EgressEnded::FAILED: outcome = Outcome::kFailed; break;
    default: return fail(ErrorKind::kCorrupt, "bad frame from ebb-egress: an unknown outcome");
  }
  return EgressEnded{.worker = WorkerId{ended.instance()},
                     .outcome = outcome,
                     .what = replace_invalid_utf8(std::string_view(ended.what()).substr(0, kWhatBytesMax)),
                     .sent_bytes = ended.sent_bytes(),
                     .received_bytes = ended.received_bytes()};
}

EgressLink::EgressLink(io::Executor executor, Hooks hooks) : executor_(executor), hooks_(std::move(hooks)), restart_(executor) {}

void EgressLink::open(WorkerId worker, domain::Egress rule, Fd listener) {
  if (ways_.size() >= domain::kEgressInstancesMax) return;  // its connections are refused; there are never so many workers
  const auto [way, is_new] = ways_.insert_or_assign(worker, Way{.rule = std::move(rule), .listener = std::move(listener)});
  if (process_ == Process::kRuns) return say_open(worker, way->second);
  start_if_wanted();
}

void EgressLink::close(WorkerId worker) {
  if (ways_.erase(worker) == 0 || process_ != Process::kRuns) return;
  if (ways_.empty()) {
    // Idle is free: without its channel it ends.
    process_ = Process::kEnding;
    channel_->close();
    return;
  }
  wire::pb::EgressClose close;
  close.set_instance(worker.value);
  (void)channel_->send(FrameType::kEgressClose, 0, close.SerializeAsString());
}

void EgressLink::say_open(WorkerId worker, const Way& way) {
  wire::pb::EgressOpen open;
  open.set_instance(worker.value);
  for (const domain::EgressHost& host : way.rule.hosts) {
    wire::pb::EgressHost* const to = open.add_hosts();
    to->set_name(host.name);
    to->set_port(host.port.value_or(0));
  }
  // A send that fails is followed by its end.
  (void)channel_->send(FrameType::kEgressOpen, 0, open.SerializeAsString(), Fd(::fcntl(way.listener.get(), F_DUPFD_CLOEXEC, 0)));
}

void EgressLink::start_if_wanted() {
  if (process_ != Process::kNone || waits_ || ways_.empty()) return;
  process_ = Process::kAsked;
  hooks_.start();
}

void EgressLink::start_later(const std::string& why) {
  process_ = Process::kNone;
  if (ways_.empty()) {
    pause_ = milliseconds(0);
    return;
  }
  log_error("ebb-egress is gone: functions reach nothing outside until there is another", {{"reason", why}});
  pause_ = std::clamp(pause_ * 2, kPauseMin, kPauseMax);
  waits_ = true;
  restart_.expires_after(pause_);
  restart_.async_wait([this](io::ErrorCode error) {
    if (error) return;
    waits_ = false;
    start_if_wanted();
  });
}

void EgressLink::started(Fd channel, const std::string& error) {
  if (process_ != Process::kAsked) return;
  if (!channel) return start_later(error);
  channel_ = std::make_shared<Channel>(executor_, std::move(channel), kFrameBytesMax);
  if (ways_.empty()) {
    process_ = Process::kEnding;
    channel_->close();
    return;
  }
  process_ = Process::kRuns;
  for (const auto& [worker, way] : ways_)
    say_open(worker, way);
  io::asio::co_spawn(executor_, read(channel_), io::asio::detached);
}

void EgressLink::ended(const std::string& why) {
  if (process_ == Process::kNone) return;
  const bool expected = process_ == Process::kEnding;
  if (channel_) channel_->close();
  channel_.reset();
  if (!expected) return start_later(why);
  process_ = Process::kNone;
  pause_ = milliseconds(0);
  start_if_wanted();
}

io::Task<void> EgressLink::read(std::shared_ptr<Channel> channel) {
  for (;;) {
    Result<std::vector<wire::Frame>> frames = co_await channel->receive();
    if (channel != channel_ || process_ != Process::kRuns) co_return;
    bool good = frames.has_value();
    for (size_t i = 0; good && i < frames->size(); ++i) {
      Result<EgressEnded> ended = read_egress_ended((*frames)[i]);
      good = ended.has_value();
      // Of an instance that it was told of, or that has just ended.
      if (good && ways_.contains(ended->worker)) hooks_.report(std::move(*ended));
    }
    if (good) {
      pause_ = milliseconds(0);
      continue;
    }
    hooks_.kill();
    co_return;
  }
}

}  // namespace ebb::instance
