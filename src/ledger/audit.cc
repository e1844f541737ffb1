// Counting by the minute.
#include "ledger/audit.h"

#include "base/log.h"

namespace ebb::ledger {

namespace {

constexpr seconds kDeniedEvery{60};
constexpr size_t kSubjectBytesMax = 300;

}  // namespace

void Audit::did(const domain::Principal& who, std::string_view what, std::string_view subject, int status, WallTime now) {
  add({.at = now,
       .key = who.key,
       .tenant = who.tenant,
       .what = std::string(what),
       .subject = std::string(subject.substr(0, kSubjectBytesMax)),
       .status = status});
}

void Audit::denied(std::string_view route, int status, WallTime now) {
  ++denied_[{std::string(route), status}];
  if (now >= flushed_ + kDeniedEvery || now < flushed_) flush(now);
}

void Audit::flush(WallTime now) {
  flushed_ = now;
  for (const auto& [of, times] : std::exchange(denied_, {}))
    add({.at = now, .what = "denied", .subject = of.first, .status = of.second, .times = times});
}

void Audit::add(domain::AuditEntry entry) {
  const std::string subject = entry.subject;
  if (Status added = accounts_.add_audit(std::move(entry)); !added)
    log_error("the log of who did what could not be written", {{"subject", subject}, {"why", added.error().message}});
}

}  // namespace ebb::ledger
