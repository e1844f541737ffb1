// OpenSSL's digest calls fail only when memory is out or the algorithm is missing: both end the process.
#include "registry/sha256.h"

#include <openssl/evp.h>

#include "base/check.h"

namespace ebb::registry {

void Sha256::Free::operator()(evp_md_ctx_st* context) const { EVP_MD_CTX_free(context); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) { EBB_CHECK(context_ != nullptr && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1); }
Sha256::~Sha256() = default;
Sha256::Sha256(Sha256&&) noexcept = default;
Sha256& Sha256::operator=(Sha256&&) noexcept = default;

void Sha256::update(std::span<const uint8_t> bytes) { EBB_CHECK(EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()) == 1); }

domain::Digest Sha256::finish() {
  domain::Digest digest;
  unsigned size = 0;
  EBB_CHECK(EVP_DigestFinal_ex(context_.get(), digest.bytes.data(), &size) == 1 && size == digest.bytes.size());
  EBB_CHECK(EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  return digest;
}

domain::Digest sha256_of(std::string_view text) {
  Sha256 hash;
  hash.update({reinterpret_cast<const uint8_t*>(text.data()), text.size()});
  return hash.finish();
}

}  // namespace ebb::registry
