// One pass over the pattern.
#include "wire/json_pattern.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "domain/limits.h"

namespace ebb::wire {

namespace {

// In a class: what may not stand in a JSON string as it is.
constexpr std::string_view kNeverInClass = R"("\\\x00-\x1F)";
constexpr int kGroupsDeepMax = 16;

std::unexpected<Error> cannot(std::string what) { return fail(ErrorKind::kInvalid, std::move(what)); }

bool may_stand(char c) { return c != '"' && c != '\\' && static_cast<unsigned char>(c) >= 0x20; }

// How many places of a pattern stand behind one another that a text may pass over: a grammar goes to all of them at each step, and through each from
// each, so that a few dozen are fine and a few hundred take seconds.
struct Shape {
  bool may_be_empty = false;
  int64_t at_begin = 1;  // that may come first
  int64_t at_end = 1;    // in a row until its end
  int64_t most = 1;      // in a row anywhere
  // Where a text may be in nested repeats of what varies in length: each of their counts may be any, so that they multiply.
  bool varies = false;
  int64_t counts = 1;
};
constexpr Shape kNothing{.may_be_empty = true, .at_begin = 0, .at_end = 0, .most = 0};
constexpr int64_t kFarTooMany = 1'000'000;

// One after the other.
Shape operator+(const Shape& a, const Shape& b) {
  return {.may_be_empty = a.may_be_empty && b.may_be_empty,
          .at_begin = a.at_begin + (a.may_be_empty ? b.at_begin : 0),
          .at_end = b.at_end + (b.may_be_empty ? a.at_end : 0),
          .most = std::max({a.most, b.most, a.at_end + b.at_begin}),
          .varies = a.varies || b.varies,
          .counts = std::max(a.counts, b.counts)};
}
Shape operator|(const Shape& a, const Shape& b) {
  return {.may_be_empty = a.may_be_empty || b.may_be_empty,
          .at_begin = a.at_begin + b.at_begin,
          .at_end = std::max(a.at_end, b.at_end),
          .most = std::max({a.most, b.most, a.at_begin + b.at_begin}),
          .varies = true,
          .counts = std::max(a.counts, b.counts)};
}

Shape repeated(const Shape& once, int64_t least, int64_t most) {
  Shape out = once;
  out.may_be_empty = once.may_be_empty || least == 0;
  // Copies that may be empty are passed over together. Saturates far above what is allowed.
  const auto all = [&](int64_t places) { return std::min(kFarTooMany, places * std::max<int64_t>(1, once.may_be_empty ? most : 1)); };
  out.at_begin = all(once.at_begin);
  out.at_end = all(once.at_end);
  out.most = std::max({once.most, once.at_end + once.at_begin, out.at_begin, out.at_end});
  out.varies = once.varies || least != most;
  if (out.varies) out.counts = std::min(kFarTooMany, once.counts * std::max<int64_t>(1, most));
  return out;
}

// Shapes of a pattern as it is read, group by group.
class Shapes {
 public:
  void atom() { push({}); }
  void open() { groups_.emplace_back(); }
  void close() {
    const Shape whole = groups_.back().whole();
    groups_.pop_back();
    push(whole);
  }
  void alternative() { groups_.back().next_alternative(); }
  // Of the last atom or group.
  void repeat(int64_t least, int64_t most) {
    quantify([=](const Shape& once) { return repeated(once, least, most); });
  }
  Shape whole() { return groups_.front().whole(); }

 private:
  struct Group {
    std::optional<Shape> alternatives;
    Shape sequence = kNothing;
    std::optional<Shape> last;  // which a quantifier would be of

    void settle() {
      if (last) sequence = sequence + *last;
      last.reset();
    }
    void next_alternative() {
      settle();
      alternatives = alternatives ? *alternatives | sequence : sequence;
      sequence = kNothing;
    }
    Shape whole() {
      next_alternative();
      return *alternatives;
    }
  };

  void push(const Shape& shape) {
    groups_.back().settle();
    groups_.back().last = shape;
  }
  template <class Change>
  void quantify(Change change) {
    std::optional<Shape>& last = groups_.back().last;
    if (last) last = change(*last);
  }

  std::vector<Group> groups_{1};
};

class Rewriting {
 public:
  explicit Rewriting(std::string_view pattern) : rest_(pattern) {}

  Result<std::string> run() {
    if (rest_.size() > domain::kSchemaPatternBytesMax) return cannot(fmt::format("it has over {} bytes", domain::kSchemaPatternBytesMax));
    const bool begins = rest_.starts_with('^');
    if (begins) rest_.remove_prefix(1);
    const bool ends = rest_.ends_with('$') && !ends_escaped();
    if (ends) rest_.remove_suffix(1);
    while (!rest_.empty()) {
      if (Status fine = next(); !fine) return fail(fine.error());
    }
    if (depth_ != 0) return cannot("its parentheses do not match");
    const Shape whole = shapes_.whole();
    if (whole.most > domain::kSchemaPatternRowMax)
      return cannot(fmt::format("over {} parts that may be empty stand in a row: repeat less often what may be empty", domain::kSchemaPatternRowMax));
    if (whole.counts > domain::kSchemaPatternCountsMax)
      return cannot(fmt::format("repeats of what varies in length nest: their counts multiply to over {}", domain::kSchemaPatternCountsMax));
    if ((!begins || !ends) && alternatives_) out_ = "(" + out_ + ")";
    const std::string anything = fmt::format("[^{}]*", kNeverInClass);
    return fmt::format("^{}{}{}$", begins ? "" : anything, out_, ends ? "" : anything);
  }

 private:
  bool ends_escaped() const {
    size_t backslashes = 0;
    for (size_t i = rest_.size() - 1; i > 0 && rest_[i - 1] == '\\'; --i)
      ++backslashes;
    return backslashes % 2 == 1;
  }

  char take() {
    const char c = rest_[0];
    rest_.remove_prefix(1);
    return c;
  }

  Status next() {
    const char c = take();
    switch (c) {
      case '.':
        out_ += fmt::format("[^{}]", kNeverInClass);
        shapes_.atom();
        return {};
      case '[': return character_class();
      case '\\': return escape();
      case '(': return open();
      case ')':
        if (--depth_ < 0) return cannot("its parentheses do not match");
        out_ += c;
        shapes_.close();
        return {};
      case '{': return repeat();
      case '*':
        shapes_.repeat(0, 1);  // it comes back to the same place
        out_ += c;
        return {};
      case '+':
        shapes_.repeat(1, 1);
        out_ += c;
        return {};
      case '?':
        shapes_.repeat(0, 1);
        out_ += c;
        return {};
      case '^':
      case '$': return cannot("an anchor stands inside it");
      case '|':
        alternatives_ = alternatives_ || depth_ == 0;
        shapes_.alternative();
        out_ += c;
        return {};
      default:
        if (!may_stand(c)) return cannot("it asks for a quote or a control character");
        out_ += c;
        shapes_.atom();
        return {};
    }
  }

  Status open() {
    if (++depth_ > kGroupsDeepMax) return cannot(fmt::format("its groups are over {} deep", kGroupsDeepMax));
    if (rest_.starts_with("?:")) {
      rest_.remove_prefix(2);
    } else if (rest_.starts_with('?')) {
      return cannot("it looks around, or names a group");
    }
    out_ += '(';
    shapes_.open();
    return {};
  }

  Status repeat() {
    const size_t end = rest_.find('}');
    if (end == std::string_view::npos) return cannot("its braces do not match");
    const std::string_view inside = rest_.substr(0, end);
    const std::string_view least = inside.substr(0, inside.find(','));
    const std::string_view most = inside.size() == least.size() ? least : inside.substr(least.size() + 1);
    const std::optional<int64_t> from = number(least);
    const std::optional<int64_t> to = most.empty() ? from : number(most);
    if (!from || !to) return cannot("its braces hold no number");
    if (*from > domain::kSchemaRepeatsMax || *to > domain::kSchemaRepeatsMax)
      return cannot(fmt::format("it repeats more than {} times", domain::kSchemaRepeatsMax));
    if (*from > *to) return cannot("it repeats at least more often than at most");
    shapes_.repeat(*from, *to);
    out_ += '{';
    out_ += rest_.substr(0, end + 1);
    rest_.remove_prefix(end + 1);
    return {};
  }

  // Digits only; what has too many of them is too large anyway.
  static std::optional<int64_t> number(std::string_view digits) {
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
    if (digits.size() > 9) return int64_t{1'000'000'000};
    int64_t value = 0;
    for (const char c : digits)
      value = value * 10 + (c - '0');
    return value;
  }

  Status escape() {
    if (rest_.empty()) return cannot("it ends in a backslash");
    shapes_.atom();
    const char c = take();
    switch (c) {
      case 'd': out_ += "[0-9]"; return {};
      case 'w': out_ += "[A-Za-z0-9_]"; return {};
      case 's': out_ += "[ ]"; return {};
      case 'D': out_ += fmt::format("[^0-9{}]", kNeverInClass); return {};
      case 'W': out_ += fmt::format("[^A-Za-z0-9_{}]", kNeverInClass); return {};
      case 'S': out_ += fmt::format("[^ {}]", kNeverInClass); return {};
      default: break;
    }
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (letter || !may_stand(c)) return cannot(fmt::format("it has '\\{}'", c));
    // As a class of one, since the converter knows few escapes.
    out_ += c == '^' || c == ']' || c == '-' ? fmt::format("[\\x{:02X}]", static_cast<unsigned char>(c)) : fmt::format("[{}]", c);
    return {};
  }

  Status character_class() {
    const bool negated = rest_.starts_with('^');
    if (negated) rest_.remove_prefix(1);
    std::string inside;
    std::string last;  // the character before, as it is written in the class; empty: a range may not begin with it
    bool range = false;
    bool empty = true;
    for (;; empty = false) {
      if (rest_.empty()) return cannot("a class in it has no end");
      char c = take();
      if (c == ']') break;
      std::string written(1, c);
      if (c == '\\') {
        if (rest_.empty()) return cannot("a class in it has no end");
        c = take();
        if (const std::string_view set = set_of(c); !set.empty()) {
          inside += set;
          last.clear();
          continue;
        }
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (letter) return cannot(fmt::format("it has '\\{}' in a class", c));
        if (c == '"' || c == '\\') {
          if (!negated) return cannot("it asks for a quote or a backslash");
          continue;  // left out anyway
        }
        written = fmt::format("\\x{:02X}", static_cast<unsigned char>(c));
      } else if (c == '-' && !last.empty() && !rest_.empty() && rest_[0] != ']') {
        range = true;
        continue;
      } else if (!may_stand(c)) {
        if (!negated) return cannot("it asks for a quote or a control character");
        continue;
      }
      if (range) {
        // What lies between its ends may be a quote (0x22) or a backslash (0x5C).
        const auto from = static_cast<unsigned char>(first_of_range_);
        const auto to = static_cast<unsigned char>(c);
        if (!negated && ((from <= '"' && to >= '"') || (from <= '\\' && to >= '\\'))) return cannot("a range in it spans a quote or a backslash");
        inside += '-';
        range = false;
      }
      first_of_range_ = c;
      inside += written == "-" ? "\\x2D" : written == "^" ? "\\x5E" : written;
      last = written;
    }
    if (empty) return cannot("a class in it is empty");
    shapes_.atom();
    out_ += negated ? fmt::format("[^{}{}]", inside, kNeverInClass) : fmt::format("[{}]", inside);
    return {};
  }

  static std::string_view set_of(char c) {
    if (c == 'd') return "0-9";
    if (c == 'w') return "A-Za-z0-9_";
    if (c == 's') return " ";
    return {};
  }

  std::string_view rest_;
  std::string out_;
  Shapes shapes_;
  int depth_ = 0;
  bool alternatives_ = false;  // outside of groups
  char first_of_range_ = 0;
};

}  // namespace

Result<std::string> holdable_pattern(std::string_view pattern) { return Rewriting(pattern).run(); }

}  // namespace ebb::wire
