// Probes and metrics. They ask nothing of a worker.
#include "gateway/exchange.h"
#include "gateway/handlers.h"
#include "gateway/services.h"

namespace ebb::gateway {

namespace {

Response plain(int status, std::string text) {
  return {.status = status, .content_type = "text/plain; charset=utf-8", .headers = {{"Cache-Control", "no-store"}}, .body = std::move(text)};
}

}  // namespace

io::Task<void> get_livez(Services&, Exchange& exchange) {
  Response response = plain(200, "ok\n");
  co_await exchange.respond(std::move(response));
}

io::Task<void> get_readyz(Services& services, Exchange& exchange) {
  const invoke::StatusView status = services.platform.status();
  const bool ready = status.ready && !services.stopping;
  const std::string why = services.stopping ? "stopping" : status.not_ready_why;
  std::string body = ready ? "ok\n" : "not ready: " + why + "\n";
  if (exchange.request().target.find("verbose")) {
    for (const invoke::SandboxLayer& layer : status.sandbox)
      body += (layer.active ? "[+] sandbox " : "[-] sandbox ") + layer.name + (layer.active ? "" : ": " + layer.detail) + "\n";
  }
  Response response = plain(ready ? 200 : 503, std::move(body));
  co_await exchange.respond(std::move(response));
}

io::Task<void> get_metrics(Services& services, Exchange& exchange) {
  Response response = plain(200, services.metrics.scrape(services.platform));
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  co_await exchange.respond(std::move(response));
}

}  // namespace ebb::gateway
