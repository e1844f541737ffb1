// Who may connect, to what, and how many at once.
#include "egress/proxy.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>

#include "domain/limits.h"
#include "egress/address_check.h"
#include "egress/connection.h"

namespace ebb::egress {

namespace {

using tcp = io::asio::ip::tcp;
namespace http = io::http;

constexpr milliseconds kAcceptPause{100};  // after the system refused one

constexpr auto kAwaitable = io::asio::as_tuple(io::use_awaitable);

}  // namespace

struct Instance {
  Instance(const io::Executor& executor, uint64_t number, domain::Egress its_rule)
      : id(number), rule(std::move(its_rule)), acceptor(executor), pause(executor) {}

  uint64_t id;
  domain::Egress rule;
  io::TcpAcceptor acceptor;
  io::Timer pause;
  std::set<ConnectionPtr> connections;
  int lookups = 0;
  MonoTime second_began{};
  int told_in_second = 0;
};

namespace {

unsigned status_of(const io::ErrorCode& error) { return error == http::error::header_limit || error == http::error::buffer_overflow ? 431 : 400; }

}  // namespace

Proxy::Proxy(io::Executor executor, Resolver& resolver, const io::Clock& clock, std::function<std::vector<OwnNetwork>()> own,
             std::function<void(const Ended&)> tell)
    : executor_(std::move(executor)), resolver_(resolver), clock_(clock), own_(std::move(own)), tell_(std::move(tell)) {}

void Proxy::open(uint64_t instance, domain::Egress rule, Fd listener) {
  close(instance);
  auto made = std::make_shared<Instance>(executor_, instance, std::move(rule));
  io::ErrorCode error;
  made->acceptor.assign(tcp::v4(), listener.get(), error);
  if (error) return;
  (void)listener.release();  // it is the acceptor's now
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
    io::TcpSocket socket(executor_);
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
  if (connection->asked.tunnel) {
    co_await pass_tunnel(connection);
  } else {
    co_await pass_request(connection);
  }
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
    if (!error || !connection->client.is_open() || connection->time.expiry() <= io::Timer::clock_type::now()) break;
  }
  connection->reaching = false;
  if (!connection->client.is_open()) co_return false;
  if (last) {
    const bool late = connection->time.expiry() <= io::Timer::clock_type::now();
    limit_time(connection, domain::kEgressHeadTimeMax);
    co_await refuse(
        connection, late ? 504 : 502, Outcome::kFailed,
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
