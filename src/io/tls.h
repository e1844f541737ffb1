// A server's certificate with its key: read and checked, ready for connections, and replaced when their files are.
//
// Reading blocks: for start, and for the moment in which the files were replaced.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

struct ssl_ctx_st;

namespace ebb::io {

// Both in PEM: the certificate with those between it and its root behind it, and its key, without a passphrase.
struct TlsFiles {
  std::filesystem::path cert;
  std::filesystem::path key;
};

// A certificate and its key. Never changes; what has begun with it goes on with it.
class TlsPair {
 public:
  // Errors name the file: what cannot be read (and over `bytes_max`), holds no certificate or key, or does not belong together. One that has expired is none.
  static Result<std::shared_ptr<const TlsPair>> read(const TlsFiles& files, size_t bytes_max);
  ~TlsPair();
  TlsPair(const TlsPair&) = delete;
  TlsPair& operator=(const TlsPair&) = delete;

  const std::string& cert_pem() const { return cert_pem_; }
  const std::string& key_pem() const { return key_pem_; }
  // For whom it is: names and addresses.
  const std::vector<std::string>& names() const { return names_; }
  WallTime begins() const { return begins_; }
  WallTime ends() const { return ends_; }

  // OpenSSL's, for servers: TLS 1.2 with forward secrecy and authenticated encryption, or 1.3, and in it HTTP/1.1.
  ssl_ctx_st* context() const { return context_; }

 private:
  TlsPair() = default;
  Status use_cert();
  Status use_key(const TlsFiles& files);

  std::string cert_pem_;
  std::string key_pem_;
  std::vector<std::string> names_;
  WallTime begins_{};
  WallTime ends_{};
  ssl_ctx_st* context_ = nullptr;
};

// The pair for new connections. Lives on one loop; only pair() may be called from any thread.
class TlsIdentity {
 public:
  // Error: as TlsPair::read.
  static Result<std::unique_ptr<TlsIdentity>> load(TlsFiles files, size_t bytes_max);

  std::shared_ptr<const TlsPair> pair() const;
  // What is wrong with the files that were to replace it; empty: nothing.
  const std::string& problem() const { return problem_; }

  enum class Look { kSame, kReplaced, kBroken };
  // To be called now and then. Files that have changed are read once they are the same at two looks: certificate and key are replaced one after the other.
  Look look();
  // Reads them now. kBroken: the pair stays as it was.
  Look reload();

 private:
  using Stamp = std::array<int64_t, 10>;  // of both files: equal as long as neither was written nor replaced
  TlsIdentity(TlsFiles files, size_t bytes_max) : files_(std::move(files)), bytes_max_(bytes_max) {}
  Stamp stamp() const;

  TlsFiles files_;
  size_t bytes_max_;
  Stamp read_{};
  Stamp seen_{};
  std::string problem_;
  mutable std::mutex mutex_;
  std::shared_ptr<const TlsPair> pair_;  // of the connections too that began with it
};

}  // namespace ebb::io
