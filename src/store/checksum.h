// A checksum over the values of a row, so that a bit that rots on the disk is found when the row is read.
//
// FNV-1a, 64 bits: each step is a bijection of the state, so two rows that differ in one byte never agree. No defence against
// a forger: who writes the file can write the sum.
#pragma once

#include <cstdint>
#include <string_view>

namespace ebb::store {

class Checksum {
 public:
  Checksum& add(int64_t value) {
    for (unsigned shift = 0; shift < 64; shift += 8)
      add_byte(static_cast<uint8_t>(static_cast<uint64_t>(value) >> shift));
    return *this;
  }
  // With its length, so that "ab","c" and "a","bc" differ.
  Checksum& add(std::string_view text) {
    add(static_cast<int64_t>(text.size()));
    for (const char c : text)
      add_byte(static_cast<uint8_t>(c));
    return *this;
  }
  Checksum& add_null() {
    add_byte(0xff);
    return *this;
  }
  int64_t value() const { return static_cast<int64_t>(state_); }

 private:
  void add_byte(uint8_t byte) { state_ = (state_ ^ byte) * 0x100000001b3U; }
  uint64_t state_ = 0xcbf29ce484222325U;
};

}  // namespace ebb::store
