// Base 32 and its checksum.
#include "domain/key.h"

#include <algorithm>

namespace ebb::domain {

namespace {

constexpr std::string_view kDigits = "0123456789abcdefghjkmnpqrstvwxyz";
constexpr size_t kSecretChars = 52;   // of 256 bits, the last with one of them
constexpr size_t kChecksumChars = 7;  // of 32 bits

constexpr std::array<uint32_t, 256> make_crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < table.size(); ++byte) {
    table[byte] = byte;
    for (int bit = 0; bit < 8; ++bit)
      table[byte] = (table[byte] >> 1U) ^ ((table[byte] & 1U) != 0 ? 0xedb88320U : 0U);
  }
  return table;
}
constexpr auto kCrcTable = make_crc_table();

// CRC-32 of IEEE 802.3.
uint32_t crc32(std::string_view text) {
  uint32_t crc = ~0U;
  for (const char c : text)
    crc = (crc >> 8U) ^ kCrcTable[(crc ^ static_cast<unsigned char>(c)) & 0xffU];
  return ~crc;
}

constexpr auto kIsDigit = [] {
  std::array<bool, 256> is{};
  for (const char c : kDigits)
    is[static_cast<unsigned char>(c)] = true;
  return is;
}();

// Five bits a character, the highest first.
std::string digits_of(uint64_t word, size_t chars) {
  std::string out(chars, '0');
  for (size_t i = chars; i-- > 0; word >>= 5U)
    out[i] = kDigits[word & 31U];
  return out;
}

std::string digits_of(const KeySecret& bytes) {
  std::string out;
  uint32_t bits = 0;
  unsigned have = 0;
  for (const uint8_t byte : bytes) {
    bits = (bits << 8U) | byte;
    have += 8;
    for (; have >= 5; have -= 5)
      out += kDigits[(bits >> (have - 5)) & 31U];
  }
  out += kDigits[(bits << (5 - have)) & 31U];
  return out;
}

std::unexpected<Error> no_key(std::string message) { return fail(ErrorKind::kUnauthorized, std::move(message)); }

}  // namespace

std::string write_key_id(KeyId60 random) { return digits_of(random, kKeyIdChars); }

std::string write_key(std::string_view id, const KeySecret& secret) {
  std::string text = std::string(kKeyPrefix) + std::string(id) + "_" + digits_of(secret);
  return text + digits_of(crc32(text), kChecksumChars);
}

Result<KeyParts> read_key(std::string_view text) {
  if (!text.starts_with(kKeyPrefix)) return no_key("the key is none of this server's: they begin with 'ebb_'");
  constexpr size_t kChars = kKeyPrefix.size() + kKeyIdChars + 1 + kSecretChars + kChecksumChars;
  if (text.size() != kChars) return no_key("the key is too short or too long: it was not copied as a whole");
  const std::string_view id = text.substr(kKeyPrefix.size(), kKeyIdChars);
  const std::string_view secret = text.substr(kKeyPrefix.size() + kKeyIdChars + 1, kSecretChars);
  const std::string_view digits = text.substr(kKeyPrefix.size());
  const bool written =
      text[kKeyPrefix.size() + kKeyIdChars] == '_' && std::ranges::all_of(digits, [](char c) { return c == '_' || kIsDigit[static_cast<unsigned char>(c)]; });
  if (!written || text.substr(kChars - kChecksumChars) != digits_of(crc32(text.substr(0, kChars - kChecksumChars)), kChecksumChars))
    return no_key("the key is mistyped: its last characters do not fit the others");
  return KeyParts{.id = std::string(id), .secret = std::string(secret)};
}

}  // namespace ebb::domain
