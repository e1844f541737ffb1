// One call of the library, which looks for the algorithm once: to do so each time would take longer than a short text.
#include "store/sha256_hex.h"

#include <openssl/evp.h>

#include <array>
#include <memory>

#include "base/check.h"

namespace ebb::store {

std::string sha256_hex(std::string_view text) {
  static const std::unique_ptr<EVP_MD, void (*)(EVP_MD*)> kSha256(EVP_MD_fetch(nullptr, "SHA256", nullptr), EVP_MD_free);
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<unsigned char, 32> bytes{};
  unsigned size = 0;
  EBB_CHECK(kSha256 && EVP_Digest(text.data(), text.size(), bytes.data(), &size, kSha256.get(), nullptr) == 1 && size == bytes.size());
  std::string hex(2 * bytes.size(), '0');
  for (size_t i = 0; i < bytes.size(); ++i) {
    hex[2 * i] = kDigits[bytes[i] >> 4U];
    hex[2 * i + 1] = kDigits[bytes[i] & 15U];
  }
  return hex;
}

}  // namespace ebb::store
