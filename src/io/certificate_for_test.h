// For tests: certificates made on the spot.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace ebb::io {

struct CertificateForTest {
  std::string cert_pem;
  std::string key_pem;
};

struct WantedCertificate {
  std::string names = "DNS:localhost,IP:127.0.0.1";  // as OpenSSL writes them
  int begins_days = -1;                              // from today
  int ends_days = 30;
  bool is_ca = false;
  const CertificateForTest* issuer = nullptr;  // nullptr: signed by itself
  std::string passphrase = {};                 // of the key's file
};

namespace for_test {

template <class T>
T* made(T* it) {
  if (it == nullptr) throw std::runtime_error("OpenSSL made nothing");
  return it;
}

template <class Write>
std::string pem_of(Write write) {
  BIO* const bio = made(BIO_new(BIO_s_mem()));
  write(bio);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string pem(data, static_cast<size_t>(size));
  BIO_free(bio);
  return pem;
}

inline void extend(X509* cert, X509* issuer, int what, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, cert, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = made(X509V3_EXT_conf_nid(nullptr, &context, what, value.c_str()));
  X509_add_ext(cert, extension, -1);
  X509_EXTENSION_free(extension);
}

}  // namespace for_test

inline CertificateForTest make_certificate(const WantedCertificate& wanted = {}) {
  using for_test::made;
  EVP_PKEY* const key = made(EVP_EC_gen("P-256"));
  X509* const cert = made(X509_new());
  X509* issuer = cert;
  EVP_PKEY* issuer_key = key;
  if (wanted.issuer != nullptr) {
    BIO* const cert_pem = BIO_new_mem_buf(wanted.issuer->cert_pem.data(), static_cast<int>(wanted.issuer->cert_pem.size()));
    BIO* const key_pem = BIO_new_mem_buf(wanted.issuer->key_pem.data(), static_cast<int>(wanted.issuer->key_pem.size()));
    issuer = made(PEM_read_bio_X509(cert_pem, nullptr, nullptr, nullptr));
    issuer_key = made(PEM_read_bio_PrivateKey(key_pem, nullptr, nullptr, nullptr));
    BIO_free(cert_pem);
    BIO_free(key_pem);
  }
  static long serial = 1;
  X509_set_version(cert, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(cert), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(cert), wanted.begins_days * 86'400L);
  X509_gmtime_adj(X509_getm_notAfter(cert), wanted.ends_days * 86'400L);
  X509_set_pubkey(cert, key);
  X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>(wanted.is_ca ? "a CA of the tests" : "a server of the tests"), -1, -1, 0);
  X509_set_issuer_name(cert, X509_get_subject_name(issuer));
  for_test::extend(cert, issuer, NID_basic_constraints, wanted.is_ca ? "critical,CA:TRUE" : "CA:FALSE");
  if (!wanted.names.empty()) for_test::extend(cert, issuer, NID_subject_alt_name, wanted.names);
  X509_sign(cert, issuer_key, EVP_sha256());
  const EVP_CIPHER* const cipher = wanted.passphrase.empty() ? nullptr : EVP_aes_128_cbc();
  CertificateForTest out{.cert_pem = for_test::pem_of([&](BIO* bio) { PEM_write_bio_X509(bio, cert); }),
                         .key_pem = for_test::pem_of([&](BIO* bio) {
                           PEM_write_bio_PKCS8PrivateKey(bio, key, cipher, wanted.passphrase.data(), static_cast<int>(wanted.passphrase.size()), nullptr,
                                                         nullptr);
                         })};
  if (issuer != cert) {
    X509_free(issuer);
    EVP_PKEY_free(issuer_key);
  }
  X509_free(cert);
  EVP_PKEY_free(key);
  return out;
}

}  // namespace ebb::io
