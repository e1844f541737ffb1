// domain values to frames.
#include "function/server_link.h"

#include <fcntl.h>

#include "base/utf8.h"
#include "domain/limits.h"
#include "io/clock.h"
#include "wire/worker.pb.h"
#include "wire/worker_call.h"
#include "worker/messages.h"

namespace ebb::function {

namespace pb = wire::pb;
using wire::FrameType;

namespace {

constexpr size_t kUnwrittenMax = 2 * domain::kBodyPieceBytesMax;

std::string finished_body(pb::Finished::Reason reason) {
  pb::Finished finished;
  finished.set_reason(reason);
  finished.set_ended_ns(io::SystemClock().mono().time_since_epoch().count());
  return finished.SerializeAsString();
}

}  // namespace

ServerLink::ServerLink(io::Executor executor, Fd channel)
    : executor_(std::move(executor)), watched_(::fcntl(channel.get(), F_DUPFD_CLOEXEC, 0)), channel_(std::move(channel)) {}

void ServerLink::write(std::string_view frames) {
  // After what this handler has set going: an answer often follows at once.
  if (unwritten_.empty()) io::asio::post(executor_, [this] { io::asio::post(executor_, [this] { flush(); }); });
  unwritten_ += frames;
  if (unwritten_.size() >= kUnwrittenMax) flush();
}

void ServerLink::flush() {
  if (!gone_ && !unwritten_.empty() && !channel_.write(unwritten_)) gone_ = true;
  unwritten_.clear();
}

void ServerLink::say(FrameType type, CallId call, std::string_view body) { write(wire::encode_frame(type, call.value, body)); }

void ServerLink::blank(std::string_view version) {
  pb::Blank blank;
  blank.set_engine("container");
  blank.set_engine_version(std::string(version));
  say(FrameType::kBlank, {}, blank.SerializeAsString());
}

void ServerLink::progress() { say(FrameType::kProgress, {}, {}); }

void ServerLink::ready(int slots) {
  pb::Ready ready;
  ready.set_slots(slots);
  say(FrameType::kReady, {}, ready.SerializeAsString());
}

void ServerLink::parked() { say(FrameType::kParked, {}, {}); }

void ServerLink::load_failed(std::string_view why) {
  pb::LoadFailed failed;
  failed.set_message(replace_invalid_utf8(why));
  say(FrameType::kLoadFailed, {}, failed.SerializeAsString());
}

void ServerLink::log(std::string_view line) {
  pb::Log log;
  log.set_line(replace_invalid_utf8(line));
  say(FrameType::kLog, {}, log.SerializeAsString());
}

void ServerLink::egress(int listener) {
  flush();
  if (!gone_ && !channel_.write(wire::encode_frame(FrameType::kEgress, 0, {}), listener)) gone_ = true;
}

// From here on the call is not tried again: the server has to know even if this process dies now.
void ServerLink::started(CallId call) {
  say(FrameType::kStarted, call, pb::Started{}.SerializeAsString());
  flush();
}
void ServerLink::head(CallId call, const domain::HttpHead& head) { say(FrameType::kHttpHead, call, wire::encode_http_head(head)); }

void ServerLink::bytes(CallId call, std::string_view piece) { say(FrameType::kBytes, call, wire::encode_bytes(piece)); }

void ServerLink::trailers(CallId call, const domain::Trailers& trailers) { say(FrameType::kTrailers, call, wire::encode_trailers(trailers)); }
void ServerLink::taken(CallId call, size_t bytes) { say(FrameType::kTaken, call, wire::encode_credit(bytes)); }
void ServerLink::finished(CallId call) { say(FrameType::kFinished, call, finished_body(pb::Finished::STOP)); }
void ServerLink::cancelled(CallId call) { say(FrameType::kFinished, call, finished_body(pb::Finished::CANCELLED)); }

void ServerLink::refused(CallId call, const Error& error) {
  Error valid = error;
  valid.message = replace_invalid_utf8(valid.message);
  write(worker::encode_refused(call, valid, io::SystemClock().mono()));
}

}  // namespace ebb::function
