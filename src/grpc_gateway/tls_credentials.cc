// gRPC asks at each handshake whether the certificate is another: its C interface has that, its C++ one only providers that read files by themselves, and use
// what does not belong together.
#include "grpc_gateway/tls_credentials.h"

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include "base/check.h"

namespace ebb::grpc_gateway {

namespace {

class TlsCredentials final : public grpc::ServerCredentials {
 public:
  explicit TlsCredentials(const io::TlsIdentity& identity) : identity_(identity) {}
  ~TlsCredentials() override {
    if (credentials_ != nullptr) grpc_server_credentials_release(credentials_);
  }
  TlsCredentials(const TlsCredentials&) = delete;
  TlsCredentials& operator=(const TlsCredentials&) = delete;

  // Keys are read by the calls themselves.
  void SetAuthMetadataProcessor(const std::shared_ptr<grpc::AuthMetadataProcessor>& /*processor*/) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    EBB_CHECK(credentials_ == nullptr);
    credentials_ = grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE, &TlsCredentials::fetch, this));
    return credentials_ == nullptr ? 0 : grpc_server_add_http2_port(server, address.c_str(), credentials_);
  }

  // On gRPC's threads, one at a time.
  static grpc_ssl_certificate_config_reload_status fetch(void* self, grpc_ssl_server_certificate_config** config) {
    auto& credentials = *static_cast<TlsCredentials*>(self);
    std::shared_ptr<const io::TlsPair> pair = credentials.identity_.pair();
    if (pair == credentials.given_) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
    const grpc_ssl_pem_key_cert_pair pem{.private_key = pair->key_pem().c_str(), .cert_chain = pair->cert_pem().c_str()};
    // It wants to have roots, which it would check certificates of clients with, if it asked for any.
    *config = grpc_ssl_server_certificate_config_create(pair->cert_pem().c_str(), &pem, 1);
    credentials.given_ = std::move(pair);
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
  }

  const io::TlsIdentity& identity_;
  std::shared_ptr<const io::TlsPair> given_;
  grpc_server_credentials* credentials_ = nullptr;
};

}  // namespace

std::shared_ptr<grpc::ServerCredentials> tls_credentials(const io::TlsIdentity& identity) { return std::make_shared<TlsCredentials>(identity); }

}  // namespace ebb::grpc_gateway
