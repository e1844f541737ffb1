// Reading PEM with OpenSSL, and what its servers are to speak.
// Compiled alone: names of OpenSSL's are macros.
#include "io/tls.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <ctime>
#include <string_view>

#include "base/check.h"
#include "io/files.h"

namespace ebb::io {

namespace {

constexpr size_t kNamesMax = 100;
constexpr std::string_view kAlpn = "\x08http/1.1";

template <auto free_it>
struct Freed {
  template <class T>
  void operator()(T* it) const {
    free_it(it);
  }
};
using Bio = std::unique_ptr<BIO, Freed<BIO_free_all>>;
using Cert = std::unique_ptr<X509, Freed<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, Freed<GENERAL_NAMES_free>>;

std::string openssl_reason() {
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  return reason == nullptr ? "for a reason that OpenSSL does not tell" : reason;
}

Bio over(const std::string& text) {
  Bio bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
  EBB_CHECK(bio != nullptr);
  return bio;
}

// Without it OpenSSL would ask for a passphrase on the terminal.
int no_passphrase(char*, int, int, void*) { return 0; }

WallTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return WallTime(seconds(timegm(&parts)));
}

std::string text_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)), static_cast<size_t>(ASN1_STRING_length(text))};
}

std::string address_of(const ASN1_STRING* bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  const int family = ASN1_STRING_length(bytes) == 4 ? AF_INET : AF_INET6;
  if (family == AF_INET || ASN1_STRING_length(bytes) == 16) inet_ntop(family, ASN1_STRING_get0_data(bytes), text, sizeof text);
  return text;
}

std::vector<std::string> names_of(X509* cert) {
  std::vector<std::string> names;
  const Names found(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(cert, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; found && i < sk_GENERAL_NAME_num(found.get()) && names.size() < kNamesMax; ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(found.get(), i);
    if (name->type == GEN_DNS) names.push_back(text_of(name->d.dNSName));
    if (name->type == GEN_IPADD) names.push_back(address_of(name->d.iPAddress));
  }
  return names;
}

// A client that offers protocols and this one not among them is told so (RFC 7301).
int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size, const unsigned char* offered, unsigned int offered_size, void*) {
  unsigned char* chosen = nullptr;
  const int found = SSL_select_next_proto(&chosen, out_size, reinterpret_cast<const unsigned char*>(kAlpn.data()), kAlpn.size(), offered, offered_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

SSL_CTX* new_context() {
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  EBB_CHECK(context != nullptr);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");  // of 1.2; those of 1.3 are all sound
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);  // clients resume by tickets, which they keep
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
  // A record that brings no data ends a read, so that a client of many such records does not hold the loop.
  SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
  SSL_CTX_set_alpn_select_cb(context, choose_protocol, nullptr);
  return context;
}

}  // namespace

TlsPair::~TlsPair() { SSL_CTX_free(context_); }

Result<std::shared_ptr<const TlsPair>> TlsPair::read(const TlsFiles& files, size_t bytes_max) {
  Result<std::string> cert = read_small_file(files.cert, bytes_max);
  if (!cert) return fail(cert.error().with_context("the certificate"));
  Result<std::string> key = read_small_file(files.key, bytes_max);
  if (!key) return fail(key.error().with_context("the certificate's key"));
  std::shared_ptr<TlsPair> pair(new TlsPair);
  pair->cert_pem_ = std::move(*cert);
  pair->key_pem_ = std::move(*key);
  pair->context_ = new_context();
  ERR_clear_error();
  if (Status used = pair->use_cert(); !used) return fail(ErrorKind::kInvalid, fmt::format("{}: {}", files.cert.string(), used.error().message), "tls.cert");
  if (Status used = pair->use_key(files); !used) return fail(used.error());
  return pair;
}

Status TlsPair::use_cert() {
  const Bio bio = over(cert_pem_);
  const Cert cert(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
  if (!cert) return fail(ErrorKind::kInvalid, "no certificate in PEM (\"-----BEGIN CERTIFICATE-----\") is in it");
  if (SSL_CTX_use_certificate(context_, cert.get()) != 1) return fail(ErrorKind::kInvalid, "OpenSSL will not use the certificate: " + openssl_reason());
  names_ = names_of(cert.get());
  begins_ = time_of(X509_get0_notBefore(cert.get()));
  ends_ = time_of(X509_get0_notAfter(cert.get()));
  for (;;) {
    const Cert next(PEM_read_bio_X509(bio.get(), nullptr, no_passphrase, nullptr));
    if (!next) break;
    if (SSL_CTX_add1_chain_cert(context_, next.get()) != 1)
      return fail(ErrorKind::kInvalid, "OpenSSL will not use one of the certificates behind the first: " + openssl_reason());
  }
  const bool to_the_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!to_the_end) return fail(ErrorKind::kInvalid, "a certificate behind the first is damaged: " + openssl_reason());
  ERR_clear_error();
  return {};
}

Status TlsPair::use_key(const TlsFiles& files) {
  const Bio bio = over(key_pem_);
  const Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  const std::string file = files.key.string();
  if (!key)
    return fail(ErrorKind::kInvalid, fmt::format("{}: no private key in PEM is in it that could be read without a passphrase ({})", file, openssl_reason()),
                "tls.key");
  if (X509_check_private_key(SSL_CTX_get0_certificate(context_), key.get()) != 1)
    return fail(ErrorKind::kInvalid, fmt::format("the key in {} is not that of the first certificate in {}", file, files.cert.string()), "tls.key");
  if (SSL_CTX_use_PrivateKey(context_, key.get()) != 1)
    return fail(ErrorKind::kInvalid, fmt::format("{}: OpenSSL will not use the key: {}", file, openssl_reason()), "tls.key");
  return {};
}

Result<std::unique_ptr<TlsIdentity>> TlsIdentity::load(TlsFiles files, size_t bytes_max) {
  std::unique_ptr<TlsIdentity> identity(new TlsIdentity(std::move(files), bytes_max));
  identity->read_ = identity->seen_ = identity->stamp();
  Result<std::shared_ptr<const TlsPair>> pair = TlsPair::read(identity->files_, bytes_max);
  if (!pair) return fail(pair.error());
  identity->pair_ = std::move(*pair);
  return identity;
}

std::shared_ptr<const TlsPair> TlsIdentity::pair() const {
  const std::lock_guard lock(mutex_);
  return pair_;
}

TlsIdentity::Stamp TlsIdentity::stamp() const {
  Stamp stamp{};
  size_t at = 0;
  for (const auto& file : {files_.cert, files_.key}) {
    struct stat info {};
    if (::stat(file.c_str(), &info) != 0) info = {};
    for (const int64_t part : {static_cast<int64_t>(info.st_dev), static_cast<int64_t>(info.st_ino), static_cast<int64_t>(info.st_size),
                               static_cast<int64_t>(info.st_mtim.tv_sec), static_cast<int64_t>(info.st_mtim.tv_nsec)})
      stamp[at++] = part;
  }
  return stamp;
}

TlsIdentity::Look TlsIdentity::look() {
  const Stamp now = stamp();
  const bool settled = now == seen_;
  seen_ = now;
  return now == read_ || !settled ? Look::kSame : reload();
}

TlsIdentity::Look TlsIdentity::reload() {
  read_ = seen_ = stamp();
  Result<std::shared_ptr<const TlsPair>> pair = TlsPair::read(files_, bytes_max_);
  problem_ = pair ? "" : pair.error().message;
  if (!pair) return Look::kBroken;
  const std::lock_guard lock(mutex_);
  pair_ = std::move(*pair);
  return Look::kReplaced;
}

}  // namespace ebb::io
