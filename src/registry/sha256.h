// SHA-256 as bytes pass by (OpenSSL).
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "domain/model.h"

struct evp_md_ctx_st;

namespace ebb::registry {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;

  void update(std::span<const uint8_t> bytes);
  // The digest of all bytes so far; the hash begins anew.
  domain::Digest finish();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

domain::Digest sha256_of(std::string_view text);

}  // namespace ebb::registry
