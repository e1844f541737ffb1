// For tests: a client with TLS that blocks, on a thread of its own where its server is not.
#pragma once

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <string>
#include <string_view>

#include "io/asio.h"

namespace ebb::io {

struct TlsClientSettings {
  int version_max = TLS1_3_VERSION;
  std::string alpn = "http/1.1";  // empty: none is offered
  std::string ciphers = {};       // of 1.2
};

class TlsClientForTest {
 public:
  explicit TlsClientForTest(uint16_t port, const TlsClientSettings& settings = {}) : context_(SSL_CTX_new(TLS_client_method())) {
    socket_.connect({asio::ip::address_v4::loopback(), port});
    SSL_CTX_set_security_level(context_, 0);
    SSL_CTX_set_min_proto_version(context_, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(context_, settings.version_max);
    if (!settings.ciphers.empty()) SSL_CTX_set_cipher_list(context_, settings.ciphers.c_str());
    ssl_ = SSL_new(context_);
    SSL_set_fd(ssl_, socket_.native_handle());
    const std::string alpn = settings.alpn.empty() ? "" : static_cast<char>(settings.alpn.size()) + settings.alpn;
    if (!alpn.empty()) SSL_set_alpn_protos(ssl_, reinterpret_cast<const unsigned char*>(alpn.data()), static_cast<unsigned>(alpn.size()));
    ERR_clear_error();
    connected_ = SSL_connect(ssl_) == 1;
  }
  ~TlsClientForTest() {
    SSL_free(ssl_);
    SSL_CTX_free(context_);
  }
  TlsClientForTest(const TlsClientForTest&) = delete;
  TlsClientForTest& operator=(const TlsClientForTest&) = delete;

  bool connected() const { return connected_; }
  std::string version() const { return SSL_get_version(ssl_); }
  std::string alpn() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_, &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }
  // The certificate that the server showed, in PEM.
  std::string shown() const {
    X509* const cert = SSL_get1_peer_certificate(ssl_);
    BIO* const bio = BIO_new(BIO_s_mem());
    if (cert != nullptr) PEM_write_bio_X509(bio, cert);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string pem(data, static_cast<size_t>(size));
    BIO_free(bio);
    X509_free(cert);
    return pem;
  }

  bool send(std::string_view bytes) { return bytes.empty() || SSL_write(ssl_, bytes.data(), static_cast<int>(bytes.size())) > 0; }
  std::string read_until(std::string_view text) {
    while (pending_.find(text) == std::string::npos && read_some()) {
    }
    const size_t end = pending_.find(text);
    return take(end == std::string::npos ? pending_.size() : end + text.size());
  }
  std::string read(size_t bytes) {
    while (pending_.size() < bytes && read_some()) {
    }
    return take(bytes);
  }
  std::string read_to_end() {
    while (read_some()) {
    }
    return take(pending_.size());
  }
  // Whether the server said that its last byte was the last.
  bool ended_well() const { return ended_well_; }

  // Says that no more comes.
  void end_sending() { SSL_shutdown(ssl_); }
  // Asks for new keys on both sides.
  void new_keys() {
    SSL_key_update(ssl_, SSL_KEY_UPDATE_REQUESTED);
    SSL_do_handshake(ssl_);
  }
  // Past TLS, to break it.
  TcpSocket& socket() { return socket_; }

 private:
  bool read_some() {
    char chunk[16384];
    ERR_clear_error();
    const int count = SSL_read(ssl_, chunk, sizeof chunk);
    if (count <= 0) ended_well_ = SSL_get_error(ssl_, count) == SSL_ERROR_ZERO_RETURN;
    if (count > 0) pending_.append(chunk, static_cast<size_t>(count));
    return count > 0;
  }
  std::string take(size_t count) {
    std::string out = pending_.substr(0, count);
    pending_.erase(0, out.size());
    return out;
  }

  asio::io_context loop_;
  TcpSocket socket_{loop_};
  SSL_CTX* context_;
  SSL* ssl_ = nullptr;
  bool connected_ = false;
  bool ended_well_ = false;
  std::string pending_;
};

}  // namespace ebb::io
