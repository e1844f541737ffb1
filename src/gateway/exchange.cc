// Answers as bytes.
#include "gateway/exchange.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "gateway/connection.h"
#include "gateway/keyed_answer.h"
#include "gateway/services.h"

namespace ebb::gateway {

namespace {

bool may_have_body(int status) { return status >= 200 && status != 204 && status != 304; }

// A header's value may come from a request (names of ignored fields, methods): it must not end its line.
void append_header(std::string& out, std::string_view name, std::string_view value) {
  out += name;
  out += ": ";
  const size_t begin = out.size();
  out += value;
  std::replace_if(
      out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  out += "\r\n";
}

std::string_view reason_of(int status) {
  if (status == 421) return "Misdirected Request";
  if (status == 431) return "Request Header Fields Too Large";
  const io::beast::string_view reason = io::http::obsolete_reason(static_cast<io::http::status>(status));
  return {reason.data(), reason.size()};
}

const std::string& date_now(Services& services) {
  const std::time_t now = std::chrono::system_clock::to_time_t(services.clock.wall());
  if (now != services.date_of) services.date = fmt::format("{:%a, %d %b %Y %H:%M:%S} GMT", fmt::gmtime(now));
  services.date_of = now;
  return services.date;
}

}  // namespace

const std::string& Request::param(std::string_view name) const {
  for (const auto& [key, value] : params) {
    if (key == name) return value;
  }
  EBB_CHECK(false && "the route's pattern has no such name");
}

Exchange::Exchange(Connection& connection, Services& services, Request request, Dialect dialect)
    : connection_(connection), services_(services), request_(std::move(request)), dialect_(dialect) {}

Exchange::~Exchange() = default;

void Exchange::set_protocol(bool http_1_0, bool keep_alive, bool head_only) {
  http_1_0_ = http_1_0;
  // HTTP/1.0's own way of keeping a connection is not spoken.
  keep_alive_ = keep_alive && !http_1_0;
  head_only_ = head_only;
}

bool Exchange::keep_alive() const { return keep_alive_ && !services_.stopping && !connection_.left(); }

std::string Exchange::head_of(const Response& response, std::optional<size_t> length) const {
  std::string out = fmt::format("HTTP/1.1 {} {}\r\n", response.status, reason_of(response.status));
  if (may_have_body(response.status) && !response.content_type.empty()) append_header(out, "Content-Type", response.content_type);
  if (may_have_body(response.status) && !response.foreign) append_header(out, "X-Content-Type-Options", "nosniff");
  if (length && may_have_body(response.status)) append_header(out, "Content-Length", std::to_string(*length));
  if (!length && !http_1_0_ && may_have_body(response.status)) append_header(out, "Transfer-Encoding", "chunked");
  append_header(out, "Date", date_now(services_));
  append_header(out, "x-request-id", request_.id);
  append_header(out, "traceresponse", wire::format_traceparent(request_.trace));
  for (const auto& [name, value] : response.headers)
    append_header(out, name, value);
  if (!keep_alive()) append_header(out, "Connection", "close");
  out += "\r\n";
  return out;
}

io::Task<void> Exchange::respond(Response response) {
  EBB_CHECK(!started());
  status_ = response.status;
  ended_ = true;
  if (keyed_) {
    keyed_->start(response, std::nullopt);
    keyed_->add(response.body);
    co_await keyed_->end(AnswerForm::kWhole);
  }
  std::string bytes = head_of(response, response.body.size());
  if (!head_only_ && may_have_body(response.status)) bytes += response.body;
  co_await connection_.write(std::move(bytes));
}

void Exchange::note_failure(const Error& error) {
  const bool quotes = error.kind == ErrorKind::kInvalid && dialect_ != Dialect::kEbb;
  failure_ = quotes ? "what was sent is not valid; the caller was told why" : error.message;
}

io::Task<void> Exchange::fail(Error error) {
  note_failure(error);
  Response response = error_response(dialect_, error);
  co_await respond(std::move(response));
}

io::Task<void> Exchange::refuse(Refusal refusal) {
  note_failure(refusal.error);
  Response response = error_response(dialect_, refusal);
  co_await respond(std::move(response));
}

bool Exchange::has_pieces() const { return connection_.has_pieces(); }
io::Task<BodyPiece> Exchange::read_piece() { return connection_.read_piece(); }
void Exchange::stop_reading() {
  if (!connection_.stop_reading()) keep_alive_ = false;
}

void Exchange::start_stream(Response head, std::optional<uint64_t> length) {
  EBB_CHECK(!started());
  status_ = head.status;
  chunked_ = !http_1_0_ && !length && may_have_body(status_);
  if (http_1_0_ && !length) keep_alive_ = false;
  if (connection_.has_pieces()) keep_alive_ = false;  // the answer comes before the end of the request
  if (keyed_) keyed_->start(head, length);
  pending_ = head_of(head, length);
}

void Exchange::add(std::string_view piece) {
  EBB_CHECK(started() && !ended_);
  if (keyed_) keyed_->add(piece);
  if (piece.empty() || head_only_ || !may_have_body(status_)) return;
  if (chunked_) fmt::format_to(std::back_inserter(pending_), "{:x}\r\n", piece.size());
  pending_ += piece;
  if (chunked_) pending_ += "\r\n";
}

io::Task<bool> Exchange::flush() {
  const bool written = co_await connection_.write(std::exchange(pending_, {}));
  co_return written || keyed_ != nullptr;
}

io::Task<bool> Exchange::write(std::string piece) {
  add(piece);
  const bool written = co_await flush();
  co_return written;
}

io::Task<void> Exchange::end_stream(const std::vector<std::pair<std::string, std::string>>& trailers) {
  ended_ = true;
  if (keyed_) {
    keyed_->set_trailers(trailers);
    co_await keyed_->end(AnswerForm::kStream);
  }
  if (chunked_ && !head_only_) {
    pending_ += "0\r\n";
    for (const auto& [name, value] : trailers)
      append_header(pending_, name, value);
    pending_ += "\r\n";
  }
  co_await flush();
}

io::Task<void> Exchange::cut() {
  ended_ = true;
  keep_alive_ = false;
  if (keyed_) co_await keyed_->end(AnswerForm::kCut);
  connection_.close();
}

io::Task<void> Exchange::break_stream() {
  keep_alive_ = false;
  co_await end_stream();
}

void Exchange::on_left(std::function<void()> left) {
  if (!keyed_) connection_.watch(std::move(left));
}
bool Exchange::left() const { return !keyed_ && connection_.left(); }

void Exchange::record(std::unique_ptr<KeyedAnswer> keyed) { keyed_ = std::move(keyed); }

void Exchange::note_call(std::string endpoint, std::string call) {
  endpoint_ = std::move(endpoint);
  call_ = std::move(call);
  services_.recent_calls.add(request_.id, CallId{from_hex(call_)});
}

}  // namespace ebb::gateway
