// Beast's parser with our bounds around it.
#include "function/http_connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>

#include "domain/limits.h"

namespace ebb::function {

namespace {

constexpr int kSwitchingProtocols = 101;
// Room for a head, for the trailers of a body, and for what comes along with them.
constexpr size_t kBufferBytesMax = 2 * domain::kHttpHeaderBytesMax + domain::kBodyPieceBytesMax;

std::string text(io::beast::string_view view) { return {view.data(), view.size()}; }

std::unexpected<Error> bad_answer(std::string_view what) {
  return fail(Error{.kind = ErrorKind::kFunction, .message = fmt::format("the function answered what is no HTTP: {}", what), .code = "function_bad_answer"});
}

bool is_closed(io::ErrorCode error) {
  return error == io::http::error::end_of_stream || error == io::http::error::partial_message || error.category() == boost::system::system_category() ||
         error.category() == io::asio::error::get_misc_category();
}

std::unexpected<Error> head_error(io::ErrorCode error, bool some_came) {
  if (is_closed(error) && !some_came)
    return fail(Error{.kind = ErrorKind::kFunction, .message = "the function closed its connection without an answer", .code = "function_closed"});
  if (is_closed(error))
    return fail(
        Error{.kind = ErrorKind::kFunction, .message = "the function closed its connection in the middle of its answer's head", .code = "function_broke_off"});
  if (error == io::http::error::header_limit) return bad_answer(fmt::format("its head is larger than {} KiB", domain::kHttpHeaderBytesMax / 1024));
  if (error == io::http::error::body_limit)
    return fail(Error{.kind = ErrorKind::kFunction, .message = "the function's answer is larger than an answer may be", .code = "answer_too_large"});
  return bad_answer(error.message());
}

std::unexpected<Error> body_error(io::ErrorCode error) {
  if (error == io::http::error::body_limit)
    return fail(
        Error{.kind = ErrorKind::kFunction, .message = "the function's answer is larger than an answer may be: it was cut off", .code = "answer_too_large"});
  if (is_closed(error))
    return fail(Error{.kind = ErrorKind::kFunction, .message = "the function closed its connection in the middle of its answer", .code = "function_broke_off"});
  return bad_answer("in its body: " + error.message());
}

domain::HttpHeaders headers_of(const io::http::fields& fields) {
  domain::HttpHeaders headers;
  for (const auto& field : fields)
    headers.emplace_back(text(field.name_string()), text(field.value()));
  return headers;
}

Result<domain::HttpHead> head_of(const io::http::response<io::http::buffer_body>& message) {
  const auto status = static_cast<int>(message.result_int());
  if (status > 599) return bad_answer(fmt::format("its status is {}", status));
  domain::HttpHead head{.status = status, .headers = headers_of(message)};
  if (head.headers.size() > domain::kHttpHeadersMax) return bad_answer(fmt::format("it has more than {} headers", domain::kHttpHeadersMax));
  return head;
}

}  // namespace

HttpConnection::HttpConnection(const io::Executor& executor, Fd socket) : socket_(executor), buffer_(kBufferBytesMax) {
  io::ErrorCode error;
  // It may be of IPv6: Asio only asks the descriptor.
  socket_.assign(io::asio::ip::tcp::v4(), socket.release(), error);
  piece_.resize(domain::kBodyPieceBytesMax);
}

void HttpConnection::close() {
  io::ErrorCode ignored;
  socket_.close(ignored);
}

bool HttpConnection::is_quiet() {
  char byte = 0;
  return socket_.is_open() && buffer_.size() == 0 && ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
         (errno == EAGAIN || errno == EWOULDBLOCK);
}

io::Task<bool> HttpConnection::write(std::array<std::string_view, 3> parts) {
  std::array<io::asio::const_buffer, 3> buffers;
  for (size_t i = 0; i < parts.size(); ++i)
    buffers[i] = io::asio::const_buffer(parts[i].data(), parts[i].size());
  io::ErrorCode error;
  co_await io::asio::async_write(socket_, buffers, io::asio::redirect_error(io::use_awaitable, error));
  co_return !error;
}

io::Task<Result<domain::HttpHead>> HttpConnection::read_head(bool bodiless, uint64_t body_max) {
  for (int interim = 0; interim <= domain::kFunctionInterimHeadsMax; ++interim) {
    parser_.emplace();
    parser_->header_limit(static_cast<uint32_t>(domain::kHttpHeaderBytesMax));
    parser_->body_limit(body_max);
    parser_->skip(bodiless);
    io::ErrorCode error;
    co_await io::http::async_read_header(socket_, buffer_, *parser_, io::asio::redirect_error(io::use_awaitable, error));
    if (error) co_return head_error(error, buffer_.size() > 0 || parser_->got_some() || interim > 0);
    const auto status = static_cast<int>(parser_->get().result_int());
    if (status == kSwitchingProtocols) co_return bad_answer("it switches to another protocol (status 101), for which nobody asked");
    if (status < 100) co_return bad_answer(fmt::format("its status is {}", status));
    if (status < 200) continue;
    Result<domain::HttpHead> head = head_of(parser_->get());
    // What the parser adds from here on are trailers.
    static_cast<io::http::fields&>(parser_->get().base()).clear();
    co_return head;
  }
  co_return bad_answer(fmt::format("more than {} heads with status 1xx before the answer", domain::kFunctionInterimHeadsMax));
}

io::Task<Result<std::string_view>> HttpConnection::read_piece() {
  while (!broke_off_ && !parser_->is_done()) {
    auto& body = parser_->get().body();
    body.data = piece_.data();
    body.size = piece_.size();
    io::ErrorCode error;
    co_await io::http::async_read_some(socket_, buffer_, *parser_, io::asio::redirect_error(io::use_awaitable, error));
    // The parser says it once, perhaps along with the last bytes.
    if (error && error != io::http::error::need_buffer) broke_off_ = error;
    const size_t count = piece_.size() - parser_->get().body().size;
    if (count > 0) co_return std::string_view(piece_.data(), count);
  }
  if (broke_off_) co_return body_error(broke_off_);
  co_return std::string_view();
}

domain::HttpHeaders HttpConnection::trailers() const {
  domain::HttpHeaders trailers = headers_of(parser_->get());
  size_t bytes = 0;
  for (const auto& [name, value] : trailers)
    bytes += name.size() + value.size();
  // They are an afterthought: too many of them spoil no answer.
  if (trailers.size() > domain::kHttpHeadersMax || bytes > domain::kHttpHeaderBytesMax) trailers.clear();
  return trailers;
}

bool HttpConnection::is_reusable() const { return parser_ && parser_->is_done() && parser_->keep_alive() && buffer_.size() == 0; }

}  // namespace ebb::function
