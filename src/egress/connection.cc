// One coroutine for what goes out, and one for what comes back.
#include "egress/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

namespace ebb::egress {

namespace {

using tcp = io::asio::ip::tcp;
namespace http = io::http;

constexpr milliseconds kLastWordTime{2'000};
constexpr size_t kLastWordBytesMax = size_t{1} << 20U;

constexpr auto kAwaitable = io::asio::as_tuple(io::use_awaitable);

// Of the connection between a client and its proxy; the rest is for the server.
constexpr http::field kOfOneConnection[] = {http::field::proxy_connection, http::field::proxy_authorization, http::field::keep_alive, http::field::te,
                                            http::field::upgrade};

void make_forwardable(http::fields& fields, const Asked& asked) {
  std::vector<std::string> named;
  const auto [begin, end] = fields.equal_range(http::field::connection);
  for (auto field = begin; field != end; ++field) {
    for (const auto& name : http::token_list(field->value()))
      named.emplace_back(name);
  }
  for (const std::string& name : named) {
    if (!io::beast::iequals(name, "transfer-encoding") && !io::beast::iequals(name, "content-length") && !io::beast::iequals(name, "host")) fields.erase(name);
  }
  for (const http::field name : kOfOneConnection)
    fields.erase(name);
  fields.set(http::field::host, asked.authority);
  fields.set(http::field::connection, "close");
}

// Until one side has no more, or cannot take it.
io::Task<void> pump(ConnectionPtr connection, io::TcpSocket* from, io::TcpSocket* to, uint64_t* passed) {
  std::vector<char> buffer(domain::kEgressBufferBytes);
  for (;;) {
    const auto [read_error, count] = co_await from->async_read_some(io::asio::buffer(buffer), kAwaitable);
    if (read_error) break;
    limit_time(connection, domain::kEgressIdleTimeMax);
    const auto [write_error, written] = co_await io::asio::async_write(*to, io::asio::buffer(buffer.data(), count), kAwaitable);
    *passed += written;
    if (write_error) {
      connection->close();
      co_return;
    }
  }
  io::ErrorCode ignored;
  to->shutdown(tcp::socket::shutdown_send, ignored);
}

io::Task<void> pump_back(ConnectionPtr connection) {
  co_await pump(connection, &connection->server, &connection->client, &connection->ended.received_bytes);
  connection->all_came = true;
  connection->answered.cancel();
}

io::Task<void> wait_for_answer(ConnectionPtr connection) {
  if (connection->all_came) co_return;
  [[maybe_unused]] const auto woken = co_await connection->answered.async_wait(kAwaitable);
}

}  // namespace

Connection::Connection(const io::Executor& executor, io::TcpSocket socket) : client(std::move(socket)), server(executor), time(executor), answered(executor) {
  answered.expires_at(io::Timer::time_point::max());
}

void Connection::close() {
  io::ErrorCode ignored;
  client.close(ignored);
  server.close(ignored);
  time.cancel();
}

void limit_time(const ConnectionPtr& connection, milliseconds most) {
  connection->time.expires_after(most);
  connection->time.async_wait([weak = std::weak_ptr(connection)](io::ErrorCode error) {
    const auto live = weak.lock();
    if (error || !live) return;
    io::ErrorCode ignored;
    if (live->reaching) {
      live->server.close(ignored);
    } else {
      live->close();
    }
  });
}

io::Task<void> pass_tunnel(ConnectionPtr connection) {
  constexpr std::string_view kEstablished = "HTTP/1.1 200 Connection established\r\n\r\n";
  const auto [told_error, told] = co_await io::asio::async_write(connection->client, io::asio::buffer(kEstablished), kAwaitable);
  // What the client sent without waiting for that.
  const auto [early_error, early] = co_await io::asio::async_write(connection->server, connection->buffer.data(), kAwaitable);
  connection->ended.sent_bytes += early;
  if (told_error || early_error) co_return;
  io::asio::co_spawn(connection->client.get_executor(), pump_back(connection), io::asio::detached);
  co_await pump(connection, &connection->client, &connection->server, &connection->ended.sent_bytes);
  co_await wait_for_answer(connection);
}

io::Task<void> pass_request(ConnectionPtr connection) {
  http::request_parser<http::buffer_body> request(std::move(*connection->head));
  make_forwardable(request.get(), connection->asked);
  request.get().target(connection->asked.target);
  std::vector<char> piece(domain::kEgressBufferBytes);
  http::request_serializer<http::buffer_body> out(request.get());
  const auto [head_error, head_bytes] = co_await http::async_write_header(connection->server, out, kAwaitable);
  connection->ended.sent_bytes += head_bytes;
  if (head_error) co_return;
  io::asio::co_spawn(connection->client.get_executor(), pump_back(connection), io::asio::detached);
  while (!out.is_done()) {
    auto& body = request.get().body();
    if (request.is_done()) {
      body.data = nullptr;
      body.size = 0;
      body.more = false;
    } else {
      body.data = piece.data();
      body.size = piece.size();
      const auto [read_error, read] = co_await http::async_read(connection->client, connection->buffer, request, kAwaitable);
      if (read_error && read_error != http::error::need_buffer) break;
      limit_time(connection, domain::kEgressIdleTimeMax);
      body.size = piece.size() - body.size;
      body.data = piece.data();
      body.more = !request.is_done();
    }
    const auto [write_error, written] = co_await http::async_write(connection->server, out, kAwaitable);
    connection->ended.sent_bytes += written;
    if (write_error && write_error != http::error::need_buffer) break;
    if (request.is_done() && out.is_done()) break;
  }
  co_await wait_for_answer(connection);
}

io::Task<void> refuse(ConnectionPtr connection, unsigned status, Ended::Outcome outcome, std::string why) {
  const Asked& asked = connection->asked;
  connection->spoke = true;
  connection->ended.outcome = outcome;
  connection->ended.what = asked.host.empty() ? why : fmt::format("{}:{}: {}", asked.host, asked.port, why);
  http::response<http::string_body> answer;
  answer.result(status);
  answer.version(11);
  answer.set(http::field::content_type, "text/plain; charset=utf-8");
  answer.set(http::field::connection, "close");
  answer.body() = fmt::format("Ebb's way out for functions: {}\n", connection->ended.what);
  answer.prepare_payload();
  [[maybe_unused]] const auto written = co_await http::async_write(connection->client, answer, kAwaitable);
  io::ErrorCode ignored;
  connection->client.shutdown(tcp::socket::shutdown_send, ignored);
  // Closed with something unread, the client might lose the answer.
  limit_time(connection, kLastWordTime);
  std::vector<char> rest(domain::kEgressBufferBytes);
  for (size_t left = kLastWordBytesMax; left > 0;) {
    const auto [error, count] = co_await connection->client.async_read_some(io::asio::buffer(rest), kAwaitable);
    if (error) break;
    left -= std::min(left, count);
  }
}

}  // namespace ebb::egress
