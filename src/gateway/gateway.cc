// Binding, accepting, ending.
#include "gateway/gateway.h"

#include <fmt/format.h>

#include <random>
#include <vector>

#include "base/log.h"
#include "domain/listen_policy.h"
#include "gateway/connection.h"

namespace ebb::gateway {

namespace {

using io::asio::ip::tcp;

// After a refusal by the system (no descriptors, no memory) the next try waits for something to be given back.
constexpr milliseconds kAcceptPause{100};

std::function<uint64_t()> system_random() {
  std::random_device device;
  std::seed_seq seed{device(), device(), device(), device()};
  return std::mt19937_64(seed);
}

// One connection too many gets a constant answer, if its socket takes it at once.
void turn_away(io::TcpSocket socket) {
  static constexpr std::string_view kAnswer =
      "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 105\r\n\r\n"
      "{\"error\":{\"message\":\"too many connections\",\"type\":\"server_error\",\"param\":null,\"code\":\"overloaded\"}}      \r\n";
  io::ErrorCode ignored;
  socket.non_blocking(true, ignored);
  socket.write_some(io::asio::buffer(kAnswer), ignored);
  socket.shutdown(tcp::socket::shutdown_send, ignored);
}

void log_accept_problem(const io::ErrorCode& error) { log_warn("cannot accept a connection", {{"problem", error.message()}}); }

io::Task<void> accept_connections(std::shared_ptr<io::TcpAcceptor> acceptor, std::shared_ptr<Services> services) {
  io::Timer pause(services->executor);
  for (;;) {
    auto [error, socket] = co_await acceptor->async_accept(io::asio::as_tuple(io::use_awaitable));
    if (!acceptor->is_open()) co_return;
    if (error) {
      log_accept_problem(error);
      pause.expires_after(kAcceptPause);
      co_await pause.async_wait(io::asio::as_tuple(io::use_awaitable));
    } else if (services->connections.size() >= services->options.connections_max) {
      if (services->options.tls == nullptr) turn_away(std::move(socket));  // with TLS its answer would be no answer
    } else {
      auto connection = std::make_shared<Connection>(std::move(socket), services);
      io::asio::co_spawn(services->executor, Connection::run(std::move(connection)), io::asio::detached);
    }
  }
}

Result<io::asio::ip::address> address_of(const std::string& host) {
  io::ErrorCode error;
  auto address = io::asio::ip::make_address(host == "localhost" ? "127.0.0.1" : host, error);
  if (error)
    return fail(ErrorKind::kInvalid, fmt::format("cannot listen on '{}': it is not an address; use 127.0.0.1 or ::1, or 0.0.0.0 or :: for all", host),
                "listen");
  return address;
}

}  // namespace

Gateway::Gateway(io::Executor executor, invoke::Platform& platform, ModelAdmin& models, ImageAdmin& images, BillQuery& bills, Accounts accounts,
                 const io::Clock& clock, GatewayOptions options)
    : services_(new Services{
          .executor = executor,
          .platform = platform,
          .models = models,
          .images = images,
          .bills = bills,
          .keyring = accounts.keyring,
          .budgets = accounts.budgets,
          .prices = accounts.prices,
          .limits = accounts.limits,
          .seals = accounts.seals,
          .audit = accounts.audit,
          .answers = accounts.answers,
          .clock = clock,
          .options = std::move(options),
          .metrics = GatewayMetrics(platform.status().version),
          .request_ids = IdSource(std::chrono::duration_cast<microseconds>(clock.wall().time_since_epoch()).count()),
      }),
      acceptor_(std::make_shared<io::TcpAcceptor>(executor)) {
  if (!services_->options.random) services_->options.random = system_random();
}

Gateway::~Gateway() { stop_accepting(); }

Result<uint16_t> Gateway::listen() {
  const GatewayOptions& options = services_->options;
  const Result<io::asio::ip::address> address = address_of(options.host);
  if (!address) return fail(address.error());
  const domain::Listening wanted{.host = options.host,
                                 .loopback = address->is_loopback(),
                                 .tls = options.tls != nullptr,
                                 .behind_proxy = options.behind_proxy,
                                 .administered = services_->keyring.administered(services_->clock.wall())};
  if (Status may = domain::check_listening(wanted); !may) return fail(may.error());
  services_->known_by_name = !wanted.loopback || wanted.tls || wanted.behind_proxy;
  const tcp::endpoint endpoint(*address, options.port);
  io::ErrorCode error;
  acceptor_->open(endpoint.protocol(), error);
  if (!error) acceptor_->set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) acceptor_->bind(endpoint, error);
  if (!error) acceptor_->listen(tcp::acceptor::max_listen_connections, error);
  if (error) {
    io::ErrorCode ignored;
    acceptor_->close(ignored);
    if (error == io::asio::error::address_in_use)
      return fail(ErrorKind::kExists,
                  fmt::format("port {} is in use: another program (perhaps another `ebb serve`) listens there; choose another with --port", options.port),
                  "port");
    return fail(ErrorKind::kIo, fmt::format("cannot listen on {}, port {}: {}", options.host, options.port, error.message()), "listen");
  }
  const uint16_t port = acceptor_->local_endpoint(error).port();
  io::asio::co_spawn(services_->executor, accept_connections(acceptor_, services_), io::asio::detached);
  return port;
}

void Gateway::stop_accepting() {
  services_->stopping = true;
  io::ErrorCode ignored;
  acceptor_->close(ignored);
  const std::vector<Connection*> all(services_->connections.begin(), services_->connections.end());
  for (Connection* connection : all)
    connection->finish();
}

void Gateway::close_all() {
  stop_accepting();
  const std::vector<Connection*> all(services_->connections.begin(), services_->connections.end());
  for (Connection* connection : all)
    connection->close();
}

}  // namespace ebb::gateway
