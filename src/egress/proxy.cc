// One coroutine for each connection, and one more for what comes back.
#include "egress/proxy.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "domain/limits.h"
#include "egress/address_check.h"
#include "egress/asked.h"
#include "io/beast.h"

namespace ebb::egress {

namespace {

using tcp = io::asio::ip::tcp;
namespace http = io::http;

constexpr milliseconds kAcceptPause{100};  // after the system refused one
constexpr milliseconds kLastWordTime{2'000};
constexpr size_t kLastWordBytesMax = size_t{1} << 20U;

constexpr auto kAwaitable = io::asio::as_tuple(io::asio::use_awaitable);

// Of the connection between a client and its proxy; the rest is for the server.
constexpr http::field kOfOneConnection[] = {http::field::proxy_connection, http::field::proxy_authorization, http::field::keep_alive, http::field::te, http::field::upgrade};

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

}  // namespace

struct Proxy::Connection {
  Connection(const io::asio::any_io_executor& executor, tcp::socket socket) : client(std::move(socket)), server(executor), time(executor), answered(executor) {
    answered.expires_at(io::asio::steady_timer::time_point::max());
  }

  void close() {
    io::ErrorCode ignored;
    client.close(ignored);
    server.close(ignored);
    time.cancel();
  }

  tcp::socket client;
  tcp::socket server;
  io::asio::steady_timer time;      // closes it
  io::asio::steady_timer answered;  // cancelled when nothing more comes back
  bool reaching = false;            // then time closes the server's side only, and the client is told
  bool all_came = false;
  bool spoke = false;  // it asked for something, if only for nonsense
  io::beast::flat_buffer buffer{domain::kEgressHeadBytesMax + domain::kEgressBufferBytes};
  std::optional<http::request_parser<http::empty_body>> head;
  Asked asked;
  Ended ended;
};

struct Proxy::Instance {
  Instance(const io::asio::any_io_executor& executor, uint64_t number, domain::Egress its_rule)
      : id(number), rule(std::move(its_rule)), acceptor(executor), pause(executor) {}

  uint64_t id;
  domain::Egress rule;
  tcp::acceptor acceptor;
  io::asio::steady_timer pause;
  std::set<ConnectionPtr> connections;
  int lookups = 0;
  MonoTime second_began{};
  int told_in_second = 0;
};

namespace {

template <class ConnectionPtr>
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

// Until one side has no more, or cannot take it.
template <class ConnectionPtr>
io::Task<void> pump(ConnectionPtr connection, tcp::socket* from, tcp::socket* to, uint64_t* passed) {
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

template <class ConnectionPtr>
io::Task<void> pump_back(ConnectionPtr connection) {
  co_await pump(connection, &connection->server, &connection->client, &connection->ended.received_bytes);
  connection->all_came = true;
  connection->answered.cancel();
}

template <class ConnectionPtr>
io::Task<void> wait_for_answer(ConnectionPtr connection) {
  if (connection->all_came) co_return;
  [[maybe_unused]] const auto woken = co_await connection->answered.async_wait(kAwaitable);
}

unsigned status_of(const io::ErrorCode& error) { return error == http::error::header_limit || error == http::error::buffer_overflow ? 431 : 400; }

}  // namespace

Proxy::Proxy(io::asio::any_io_executor executor, Resolver& resolver, const io::Clock& clock, std::function<std::vector<io::asio::ip::address>()> own,
             std::function<void(const Ended&)> tell)
    : executor_(std::move(executor)), resolver_(resolver), clock_(clock), own_(std::move(own)), tell_(std::move(tell)) {}

void Proxy::open(uint64_t instance, domain::Egress rule, Fd listener) {
  close(instance);
  auto made = std::make_shared<Instance>(executor_, instance, std::move(rule));
  io::ErrorCode error;
  made->acceptor.assign(tcp::v4(), listener.release(), error);
  if (error) return;
  instances_.emplace(instance, made);
  io::asio::co_spawn(executor_, accept(made), io::asio::detached);
}

void Proxy::close(uint64_t instance) {
  const auto found = instances_.find(instance);
  if (found == instances_.end()) return;
  io::ErrorCode ignored;
  found->second->acceptor.close(ignored);
  found->second->pause.cancel();
  for (const ConnectionPtr& connection : found->second->connections)
    connection->close();
  instances_.erase(found);
}

io::Task<void> Proxy::accept(InstancePtr instance) {
  while (instance->acceptor.is_open()) {
    tcp::socket socket(executor_);
    const auto [error] = co_await instance->acceptor.async_accept(socket, kAwaitable);
    if (!instance->acceptor.is_open()) co_return;
    if (error) {
      instance->pause.expires_after(kAcceptPause);
      [[maybe_unused]] const auto woken = co_await instance->pause.async_wait(kAwaitable);
      continue;
    }
    const auto connection = std::make_shared<Connection>(executor_, std::move(socket));
    connection->ended.instance = instance->id;
    if (connections_ >= domain::kEgressConnectionsMax || instance->connections.size() >= domain::kEgressConnectionsPerInstanceMax) {
      connection->ended.outcome = Ended::Outcome::kFailed;
      connection->ended.what = "it has too many connections open, or all functions have";
      tell_end(*instance, *connection);
      continue;  // closes it
    }
    ++connections_;
    instance->connections.insert(connection);
    io::asio::co_spawn(executor_, serve(instance, connection), io::asio::detached);
  }
}

io::Task<void> Proxy::serve(InstancePtr instance, ConnectionPtr connection) {
  co_await handle(instance, connection);
  connection->close();
  instance->connections.erase(connection);
  --connections_;
  if (connection->spoke) tell_end(*instance, *connection);
}

io::Task<void> Proxy::handle(InstancePtr instance, ConnectionPtr connection) {
  limit_time(connection, domain::kEgressHeadTimeMax);
  connection->head.emplace();
  connection->head->header_limit(domain::kEgressHeadBytesMax);
  connection->head->body_limit(boost::none);
  const auto [error, count] = co_await http::async_read_header(connection->client, connection->buffer, *connection->head, kAwaitable);
  if (error) {
    if (error != http::error::end_of_stream && connection->client.is_open())
      co_await refuse(connection, status_of(error), Ended::Outcome::kFailed, fmt::format("no request that a proxy could read: {}", error.message()));
    co_return;
  }
  connection->spoke = true;
  const auto& request = connection->head->get();
  Result<Asked> asked = read_asked(request.method_string(), request.target());
  if (!asked) {
    co_await refuse(connection, 400, Ended::Outcome::kFailed, asked.error().message);
    co_return;
  }
  connection->asked = std::move(*asked);
  const bool reached = co_await reach(instance, connection);
  if (!reached) co_return;
  limit_time(connection, domain::kEgressIdleTimeMax);
  if (!connection->asked.tunnel) {
    co_await pass_request(connection);
    co_return;
  }
  constexpr std::string_view kEstablished = "HTTP/1.1 200 Connection established\r\n\r\n";
  const auto [told_error, told] = co_await io::asio::async_write(connection->client, io::asio::buffer(kEstablished), kAwaitable);
  // What the client sent without waiting for that.
  const auto [early_error, early] = co_await io::asio::async_write(connection->server, connection->buffer.data(), kAwaitable);
  connection->ended.sent_bytes += early;
  if (told_error || early_error) co_return;
  io::asio::co_spawn(executor_, pump_back(connection), io::asio::detached);
  co_await pump(connection, &connection->client, &connection->server, &connection->ended.sent_bytes);
  co_await wait_for_answer(connection);
}

// To a checked address of what is asked for. False: the client was told why not.
io::Task<bool> Proxy::reach(InstancePtr instance, ConnectionPtr connection) {
  using Outcome = Ended::Outcome;
  const Asked& asked = connection->asked;
  if (const std::optional<std::string> why = domain::refusal_of(instance->rule, asked.host, asked.port)) {
    co_await refuse(connection, 403, Outcome::kRefused, *why);
    co_return false;
  }
  if (instance->lookups >= domain::kEgressLookupsPerInstanceMax) {
    co_await refuse(connection, 503, Outcome::kFailed, "too many names of this function are being resolved");
    co_return false;
  }
  connection->time.cancel();  // the resolver has its own
  ++instance->lookups;
  const Result<std::vector<tcp::endpoint>> resolved = co_await resolver_.resolve(asked.host, asked.port);
  --instance->lookups;
  if (!connection->client.is_open()) co_return false;
  limit_time(connection, domain::kEgressConnectTimeMax);
  if (!resolved) {
    co_await refuse(connection, resolved.error().kind == ErrorKind::kOverloaded ? 503 : 502, Outcome::kFailed, resolved.error().message);
    co_return false;
  }
  if (const std::optional<std::string> why = refusal_of(*resolved, own_())) {
    co_await refuse(connection, 403, Outcome::kRefused, *why);
    co_return false;
  }
  connection->reaching = true;
  io::ErrorCode last = io::asio::error::host_unreachable;
  for (size_t i = 0; i < std::min(resolved->size(), domain::kEgressAddressesMax); ++i) {
    io::ErrorCode ignored;
    connection->server.close(ignored);
    const auto [error] = co_await connection->server.async_connect((*resolved)[i], kAwaitable);
    last = error;
    if (!error || !connection->client.is_open() || connection->time.expiry() <= io::asio::steady_timer::clock_type::now()) break;
  }
  connection->reaching = false;
  if (!connection->client.is_open()) co_return false;
  if (last) {
    const bool late = connection->time.expiry() <= io::asio::steady_timer::clock_type::now();
    limit_time(connection, domain::kEgressHeadTimeMax);
    co_await refuse(connection, late ? 504 : 502, Outcome::kFailed,
                    late ? fmt::format("it did not answer within {} s", domain::kEgressConnectTimeMax.count() / 1000) : "it cannot be reached: " + last.message());
    co_return false;
  }
  // Whatever the tables and the list of devices said: this end is where the other is.
  io::ErrorCode gone;
  const io::asio::ip::address here = connection->server.local_endpoint(gone).address();
  if (gone || here == connection->server.remote_endpoint(gone).address()) {
    io::ErrorCode ignored;
    connection->server.close(ignored);
    co_await refuse(connection, 403, Outcome::kRefused, "it is this machine");
    co_return false;
  }
  co_return true;
}

// The request as the server is to see it, its body by its framing and no byte beyond; back comes what comes, until the server closes.
io::Task<void> Proxy::pass_request(ConnectionPtr connection) {
  http::request_parser<http::buffer_body> request(std::move(*connection->head));
  make_forwardable(request.get(), connection->asked);
  request.get().target(connection->asked.target);
  std::vector<char> piece(domain::kEgressBufferBytes);
  http::request_serializer<http::buffer_body> out(request.get());
  const auto [head_error, head_bytes] = co_await http::async_write_header(connection->server, out, kAwaitable);
  connection->ended.sent_bytes += head_bytes;
  if (head_error) co_return;
  io::asio::co_spawn(executor_, pump_back(connection), io::asio::detached);
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

io::Task<void> Proxy::refuse(ConnectionPtr connection, unsigned status, Ended::Outcome outcome, std::string why) {
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

void Proxy::tell_end(Instance& instance, const Connection& connection) {
  Ended ended = connection.ended;
  const MonoTime now = clock_.mono();
  if (now - instance.second_began >= seconds(1)) {
    instance.second_began = now;
    instance.told_in_second = 0;
  }
  if (!ended.what.empty() && ++instance.told_in_second > domain::kEgressLinesPerSecondMax) ended.what.clear();
  tell_(ended);
}

}  // namespace ebb::egress
