// What a decision was made from, kept as it is and put into words only when somebody asks: thousands are made for one that is read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "domain/money.h"

namespace ebb::control {

// A sentence: a literal, or one that was made. Literals must live as long as the program.
class Text {
 public:
  Text() = default;
  template <size_t N>
  Text(const char (&literal)[N]) : kept_(std::string_view(literal, N - 1)) {}
  Text(std::string_view literal) : kept_(literal) {}
  Text(std::string made) : kept_(std::move(made)) {}
  std::string_view view() const {
    const auto* made = std::get_if<std::string>(&kept_);
    return made != nullptr ? std::string_view(*made) : std::get<std::string_view>(kept_);
  }
  bool operator==(const Text& other) const { return view() == other.view(); }

 private:
  std::variant<std::string_view, std::string> kept_;
};

struct Bytes {
  uint64_t bytes = 0;
  bool operator==(const Bytes&) const = default;
};
struct Of {  // so many of so many
  int64_t part = 0;
  int64_t whole = 0;
  bool operator==(const Of&) const = default;
};
struct Change {
  int64_t from = 0;
  int64_t to = 0;
  bool operator==(const Change&) const = default;
};
struct Money {  // at the node's prices
  domain::Pico pico = 0;
  bool operator==(const Money&) const = default;
};
struct Chance {  // 0 … 1
  double value = 0;
  bool operator==(const Chance&) const = default;
};

using Fact = std::variant<int64_t, nanoseconds, Bytes, Of, Change, Money, Chance, Text>;

// "3", "0.00031", "84 ms", "12 min", "251 MiB", "1 of 4", "2 to 4", "80 %", or the text.
std::string words(const Fact& fact);
// "84 ms", "12.4 s", "18 min", "3.2 h", "2.5 days".
std::string words(nanoseconds time);

// Name, and value; in the order that matters. Names are literals.
using Inputs = std::vector<std::pair<std::string_view, Fact>>;

}  // namespace ebb::control
