// GET /ebb/v1/audit?after=N: who did what, line by line.
#include "gateway/admin_line.h"
#include "gateway/exchange.h"
#include "gateway/handlers.h"
#include "gateway/services.h"
#include "wire/account_json.h"

namespace ebb::gateway {

namespace {

constexpr int64_t kEntriesAtOnce = 1'000;

std::string as_lines(const std::vector<domain::AuditEntry>& entries) {
  std::string out;
  for (const domain::AuditEntry& entry : entries)
    out += json::serialize(wire::to_json(entry)) + "\n";
  return out;
}

}  // namespace

io::Task<void> get_audit(Services& services, Exchange& exchange) {
  const Result<int64_t> asked = entry_asked_for(exchange.request().target);
  if (!asked) {
    co_await exchange.fail(asked.error());
    co_return;
  }
  services.audit.flush(services.clock.wall());
  for (int64_t after = *asked;;) {
    const Result<std::vector<domain::AuditEntry>> entries = services.audit.entries(after, kEntriesAtOnce);
    if (!entries && !exchange.started()) {
      co_await exchange.fail(entries.error());
      co_return;
    }
    if (!entries) {
      exchange.note_failure(entries.error().message);
      co_await exchange.cut();  // so that a part is not taken for the whole
      co_return;
    }
    if (!exchange.started()) exchange.start_stream(ndjson_response());
    const bool written = co_await exchange.write(as_lines(*entries));
    if (!written) co_return;
    if (std::cmp_less(entries->size(), kEntriesAtOnce)) break;
    after = entries->back().number;
  }
  co_await exchange.end_stream();
}

}  // namespace ebb::gateway
