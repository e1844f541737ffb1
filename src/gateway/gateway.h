// The HTTP front of the server: a listener, and the connections that it accepted.
//
// Everything runs on the loop of `executor`. Shutting down: `stop_accepting`, run the loop until `connections()` is 0 or the drain
// deadline passes, `close_all`, run the loop until 0. Only then may the platform and the other parts go.
#pragma once

#include <cstdint>
#include <memory>

#include "base/result.h"
#include "gateway/services.h"
#include "io/asio.h"

namespace ebb::gateway {

// Who may call, who pays, and what; and what was paid for already.
struct Accounts {
  ledger::Keyring& keyring;
  BudgetAdmin& budgets;
  PriceAdmin& prices;
  LimitAdmin& limits;
  SealAdmin& seals;
  ledger::Audit& audit;
  ledger::AnswerLog& answers;
};

class Gateway {
 public:
  // All parts must outlive the gateway and its connections.
  Gateway(io::Executor executor, invoke::Platform& platform, ModelAdmin& models, ImageAdmin& images, BillQuery& bills, Accounts accounts,
          const io::Clock& clock, GatewayOptions options);
  ~Gateway();  // as stop_accepting
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  // Binds and begins to accept; returns the port. Errors: kInvalid for what is no address, and for one beyond loopback where TLS or keys are missing
  // (domain/listen_policy.h), kExists for a port in use, kIo.
  Result<uint16_t> listen();

  // No new connections, no further requests on the old ones; requests that run go on, idle connections end.
  void stop_accepting();
  // Cuts what is left: callers see their connection end, calls are cancelled.
  void close_all();

  // For other listeners' calls.
  GatewayMetrics& metrics() { return services_->metrics; }

  size_t connections() const { return services_->connections.size(); }

 private:
  std::shared_ptr<Services> services_;         // shared with the connections, which end after their last operation does
  std::shared_ptr<io::TcpAcceptor> acceptor_;  // shared with the loop that accepts
};

}  // namespace ebb::gateway
