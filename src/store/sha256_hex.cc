// One call of the library.
#include "store/sha256_hex.h"

#include <openssl/evp.h>

#include <array>

#include "base/check.h"

namespace ebb::store {

std::string sha256_hex(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<unsigned char, 32> bytes{};
  unsigned size = 0;
  EBB_CHECK(EVP_Digest(text.data(), text.size(), bytes.data(), &size, EVP_sha256(), nullptr) == 1 && size == bytes.size());
  std::string hex;
  for (const unsigned char byte : bytes) {
    hex += kDigits[byte >> 4U];
    hex += kDigits[byte & 15U];
  }
  return hex;
}

}  // namespace ebb::store
