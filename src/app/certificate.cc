// Looking at files now and then, and saying what became of them.
#include "app/certificate.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <csignal>

#include "base/log.h"
#include "domain/limits.h"

namespace ebb::app {

Result<std::unique_ptr<Certificate>> Certificate::load(io::Executor executor, const ServeOptions& options, const io::Clock& clock) {
  if (options.tls_cert.empty()) return nullptr;
  Result<std::unique_ptr<io::TlsIdentity>> identity = io::TlsIdentity::load({.cert = options.tls_cert, .key = options.tls_key}, domain::kTlsFileBytesMax);
  if (!identity) return fail(identity.error());
  std::unique_ptr<Certificate> certificate(new Certificate(std::move(executor), std::move(*identity), clock));
  // From now on it ends nobody; who sent it while the server starts is heard by watch().
  io::ErrorCode ignored;
  certificate->hangups_.add(SIGHUP, ignored);
  certificate->tell();
  return certificate;
}

void Certificate::tell() const {
  const std::shared_ptr<const io::TlsPair> pair = identity_->pair();
  const WallTime now = clock_.wall();
  const std::string names = fmt::format("{}", fmt::join(pair->names(), ", "));
  log_info("the certificate", {{"names", names}, {"days_left", std::chrono::duration_cast<std::chrono::days>(pair->ends() - now).count()}});
  if (pair->ends() <= now) log_warn("the certificate has expired: clients will refuse it", {{"names", names}});
  if (pair->begins() > now) log_warn("the certificate is not valid yet: clients will refuse it", {{"names", names}});
}

void Certificate::tell(io::TlsIdentity::Look look) const {
  if (look == io::TlsIdentity::Look::kReplaced) tell();
  if (look == io::TlsIdentity::Look::kBroken) log_error("the new certificate cannot be used, the old one stays", {{"reason", identity_->problem()}});
}

void Certificate::watch() {
  on_hangup();
  on_time();
}

void Certificate::on_time() {
  timer_.expires_after(domain::kTlsLookEvery);
  timer_.async_wait([this](io::ErrorCode cancelled) {
    if (cancelled) return;
    tell(identity_->look());
    on_time();
  });
}

void Certificate::on_hangup() {
  hangups_.async_wait([this](io::ErrorCode cancelled, int) {
    if (cancelled) return;
    tell(identity_->reload());
    on_hangup();
  });
}

void Certificate::stop() {
  timer_.cancel();
  io::ErrorCode ignored;
  hangups_.cancel(ignored);
}

}  // namespace ebb::app
