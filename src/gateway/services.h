// What every request of one gateway may use. Lives on the server's loop.
#pragma once

#include <functional>
#include <set>
#include <string>

#include "base/ids.h"
#include "domain/limits.h"
#include "gateway/admin.h"
#include "gateway/gateway_metrics.h"
#include "gateway/keyed_answer.h"
#include "gateway/recent_calls.h"
#include "invoke/platform.h"
#include "io/clock.h"
#include "io/tls.h"
#include "ledger/answer_log.h"
#include "ledger/audit.h"
#include "ledger/keyring.h"

namespace ebb::gateway {

struct GatewayOptions {
  std::string host = "127.0.0.1";        // an address, or "localhost"
  uint16_t port = 8390;                  // 0: any free one
  const io::TlsIdentity* tls = nullptr;  // must outlive the gateway; nullptr: plain HTTP
  bool behind_proxy = false;             // whoever connects is not who asks, wherever that one is

  // Bounds; others than the defaults are for tests.
  size_t connections_max = domain::kHttpConnectionsMax;
  size_t header_bytes_max = domain::kHttpHeaderBytesMax;
  size_t body_bytes_max = domain::kHttpBodyBytesMax;
  size_t tensor_body_bytes_max = domain::kTensorBodyBytesMax;
  size_t body_bytes_in_flight_max = domain::kHttpBodyBytesInFlightMax;
  milliseconds handshake_time_max = domain::kTlsHandshakeTimeMax;
  milliseconds header_time_max = domain::kHttpHeaderTimeMax;
  milliseconds body_time_max = domain::kHttpBodyTimeMax;
  milliseconds idle_time_max = domain::kHttpIdleTimeMax;
  milliseconds write_time_max = domain::kHttpWriteTimeMax;
  milliseconds log_poll{200};  // how often a followed log is looked at

  std::function<uint64_t()> random;  // ids of traces; empty: seeded by the system
};

class Connection;

struct Services {
  io::Executor executor;
  invoke::Platform& platform;
  ModelAdmin& models;
  ImageAdmin& images;
  BillQuery& bills;
  ledger::Keyring& keyring;
  BudgetAdmin& budgets;
  PriceAdmin& prices;
  LimitAdmin& limits;
  SealAdmin& seals;
  ledger::Audit& audit;
  ledger::AnswerLog& answers;
  const io::Clock& clock;
  GatewayOptions options;
  GatewayMetrics metrics;
  IdSource request_ids;
  RecentCalls recent_calls = {};
  KeyedCalls keyed = {};
  bool known_by_name = false;  // listens for others than this machine too, by whatever name they know it

  std::set<Connection*> connections = {};  // each enters and leaves by itself
  size_t body_bytes = 0;                   // of requests that are being read or answered
  std::string date = {};                   // as the last answer had it …
  std::time_t date_of = -1;                // … in that second
  bool stopping = false;                   // no request after the one that runs
};

}  // namespace ebb::gateway
