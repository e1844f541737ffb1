// One channel on one loop.
#include "egress/service.h"

#include <fcntl.h>

#include <limits>
#include <optional>

#include "egress/proxy.h"
#include "wire/egress.pb.h"
#include "worker/channel.h"
#include "worker/worker_loop.h"

namespace ebb::egress {

namespace {

using wire::FrameType;

std::optional<domain::Egress> rule_of(const wire::pb::EgressOpen& open) {
  domain::Egress rule;
  for (const wire::pb::EgressHost& host : open.hosts()) {
    if (host.name().empty() || host.port() < 0 || host.port() > std::numeric_limits<uint16_t>::max()) return std::nullopt;
    rule.hosts.push_back({.name = host.name(), .port = host.port() == 0 ? std::nullopt : std::optional(static_cast<uint16_t>(host.port()))});
  }
  return rule;
}

class Service {
 public:
  Service(Fd channel, const io::Clock& clock)
      : watched_(loop_, ::fcntl(channel.get(), F_DUPFD_CLOEXEC, 0)),
        channel_(std::move(channel)),
        proxy_(loop_.get_executor(), resolver_, clock, own_networks, [this](const Ended& ended) { tell(ended); }) {}

  int run() {
    watch();
    while (!status_)
      loop_.run_one();
    return *status_;
  }

 private:
  void watch() {
    watched_.async_wait(io::asio::posix::descriptor_base::wait_read, [this](io::ErrorCode error) {
      if (error) status_ = 0;
      while (!status_ && take_one()) {
      }
      if (!status_) watch();
    });
  }

  // False: there is nothing more now.
  bool take_one() {
    const Result<std::optional<wire::Frame>> frame = channel_.next();
    if (!frame) status_ = frame.error().kind == ErrorKind::kUnavailable ? 0 : worker::kProtocolExit;
    if (!frame || !frame->has_value()) return false;
    if (!take(**frame)) status_ = worker::kProtocolExit;
    return true;
  }

  bool take(const wire::Frame& frame) {
    if (frame.type == FrameType::kEgressOpen) {
      wire::pb::EgressOpen open;
      Fd listener = channel_.take_attachment();
      std::optional<domain::Egress> rule;
      if (open.ParseFromString(frame.body)) rule = rule_of(open);
      if (!rule || !listener) return false;
      proxy_.open(open.instance(), std::move(*rule), std::move(listener));
      return true;
    }
    wire::pb::EgressClose close;
    if (frame.type != FrameType::kEgressClose || !close.ParseFromString(frame.body)) return false;
    proxy_.close(close.instance());
    return true;
  }

  void tell(const Ended& ended) {
    wire::pb::EgressEnded out;
    out.set_instance(ended.instance);
    switch (ended.outcome) {
      case Ended::Outcome::kPassed: out.set_outcome(wire::pb::EgressEnded::PASSED); break;
      case Ended::Outcome::kRefused: out.set_outcome(wire::pb::EgressEnded::REFUSED); break;
      case Ended::Outcome::kFailed: out.set_outcome(wire::pb::EgressEnded::FAILED); break;
    }
    out.set_what(ended.what);
    out.set_sent_bytes(ended.sent_bytes);
    out.set_received_bytes(ended.received_bytes);
    if (!channel_.write(wire::encode_frame(FrameType::kEgressEnded, 0, out.SerializeAsString()))) status_ = 0;
  }

  io::asio::io_context loop_{1};  // first: it outlives all that waits on it
  io::Descriptor watched_;
  worker::Channel channel_;
  Resolver resolver_;
  Proxy proxy_;
  std::optional<int> status_;  // once the end has come
};

}  // namespace

int serve(Fd channel, const io::Clock& clock) {
  Service service(std::move(channel), clock);
  return service.run();
}

}  // namespace ebb::egress
