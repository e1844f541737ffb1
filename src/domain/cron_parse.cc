// One cron line, field by field, with the column of what is wrong.
#include "domain/cron_parse.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <span>
#include <utility>
#include <vector>

#include "domain/limits.h"

namespace ebb::domain {

namespace {

using Names = std::span<const std::string_view>;

constexpr std::string_view kMonthNames[] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};
constexpr std::string_view kWeekdayNames[] = {"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"};
constexpr int kMonthDays[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
constexpr int kSunday = 7;  // as it is written at the end of a range

struct FieldRule {
  std::string_view name;
  int min = 0;
  int max = 0;
  Names names;  // of `min` and what follows
};
constexpr std::array<FieldRule, 5> kFieldRules = {
    {{"minute", 0, 59, {}}, {"hour", 0, 23, {}}, {"day-of-month", 1, 31, {}}, {"month", 1, 12, kMonthNames}, {"day-of-week", 0, 7, kWeekdayNames}}};
constexpr std::string_view kFiveFields = "a line has five fields: minute hour day-of-month month day-of-week, such as 0 8 * * 1-5";

constexpr std::pair<std::string_view, std::string_view> kShortLines[] = {
    {"@hourly", "0 * * * *"}, {"@daily", "0 0 * * *"}, {"@weekly", "0 0 * * 0"}, {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}};

char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }
bool same_word(std::string_view a, std::string_view b) { return std::ranges::equal(a, b, {}, upper, upper); }

// A piece of the line, and where it begins.
struct Piece {
  std::string_view text;
  size_t column = 1;
};

std::unexpected<Error> wrong(size_t column, const std::string& what) { return fail(ErrorKind::kInvalid, fmt::format("column {}: {}", column, what), "cron"); }
std::unexpected<Error> wrong(const FieldRule& rule, const Piece& piece, const std::string& what) {
  return wrong(piece.column, fmt::format("{}: {}", rule.name, what));
}

std::vector<Piece> split(const Piece& whole, std::string_view separators) {
  std::vector<Piece> pieces;
  size_t from = 0;
  while (true) {
    const size_t end = std::min(whole.text.find_first_of(separators, from), whole.text.size());
    pieces.push_back({.text = whole.text.substr(from, end - from), .column = whole.column + from});
    if (end == whole.text.size()) return pieces;
    from = end + 1;
  }
}

Result<int> parse_number(const FieldRule& rule, const Piece& piece, int min, int max, std::string_view what) {
  int number = 0;
  const auto [end, error] = std::from_chars(piece.text.data(), piece.text.data() + piece.text.size(), number);
  const bool digits = !piece.text.empty() && std::ranges::all_of(piece.text, [](char c) { return c >= '0' && c <= '9'; });
  if (!digits) {
    if (piece.text.empty()) return wrong(rule, piece, fmt::format("a {} is missing", what));
    const std::string names = rule.names.empty() || what == "step" ? "" : fmt::format(", or {} to {}", rule.names.front(), rule.names.back());
    return wrong(rule, piece, fmt::format("'{}' is no {}: write {} to {}{}", piece.text, what, min, max, names));
  }
  if (error != std::errc() || end != piece.text.data() + piece.text.size() || number < min || number > max)
    return wrong(rule, piece, fmt::format("the {} {} is out of range: write {} to {}", what, piece.text, min, max));
  return number;
}

Result<int> parse_value(const FieldRule& rule, const Piece& piece) {
  const auto name = std::ranges::find_if(rule.names, [&](std::string_view one) { return same_word(one, piece.text); });
  if (name != rule.names.end()) return rule.min + static_cast<int>(name - rule.names.begin());
  return parse_number(rule, piece, rule.min, rule.max, "number");
}

struct Range {
  int first = 0;
  int last = 0;
  bool one = false;  // written as a number or a name
};

// "*", "5", "1-5", "FRI-SUN".
Result<Range> parse_range(const FieldRule& rule, const Piece& piece) {
  if (piece.text == "*") return Range{.first = rule.min, .last = rule.max};
  const std::vector<Piece> ends = split(piece, "-");
  if (ends.size() > 2) return wrong(rule, ends[2], fmt::format("'{}' is no range: write two numbers, such as 1-5", piece.text));
  const Result<int> first = parse_value(rule, ends[0]);
  if (!first) return fail(first.error());
  if (ends.size() == 1) return Range{.first = *first, .last = *first, .one = true};
  Result<int> last = parse_value(rule, ends[1]);
  if (!last) return fail(last.error());
  if (*last < *first && same_word(ends[1].text, "SUN")) last = kSunday;
  if (*last < *first) return wrong(rule, piece, fmt::format("the range {} is reversed: write the lower end first", piece.text));
  return Range{.first = *first, .last = *last};
}

// One of a list: a range, and a step if there is one.
Result<uint64_t> parse_part(const FieldRule& rule, const Piece& part) {
  const std::vector<Piece> pieces = split(part, "/");
  if (pieces.size() > 2) return wrong(rule, pieces[2], fmt::format("'{}' has two steps", part.text));
  const Result<Range> range = parse_range(rule, pieces[0]);
  if (!range) return fail(range.error());
  int step = 1;
  if (pieces.size() == 2) {
    if (range->one) return wrong(rule, part, fmt::format("a step needs a range before it: write {}-{}/{}", pieces[0].text, rule.max, pieces[1].text));
    const Result<int> read = parse_number(rule, pieces[1], 1, rule.max, "step");
    if (!read) return fail(read.error());
    step = *read;
  }
  uint64_t set = 0;
  for (int number = range->first; number <= range->last; number += step)
    set |= uint64_t{1} << static_cast<unsigned>(number);
  return set;
}

Result<uint64_t> parse_field(const FieldRule& rule, const Piece& field) {
  uint64_t set = 0;
  for (const Piece& part : split(field, ",")) {
    const Result<uint64_t> one = parse_part(rule, part);
    if (!one) return fail(one.error());
    set |= *one;
  }
  return set;
}

bool ever_fires(const CronFields& fields) {
  if (fields.either_day) return true;
  for (int month = 1; month <= 12; ++month) {
    const uint64_t days = (uint64_t{2} << static_cast<unsigned>(kMonthDays[month - 1])) - 1;
    if ((fields.months >> static_cast<unsigned>(month) & 1U) != 0 && (fields.days & days) != 0) return true;
  }
  return false;
}

// What stands between blanks. A line that is too long is refused before.
std::vector<Piece> words_of(std::string_view line) {
  std::vector<Piece> words = split({.text = line, .column = 1}, " \t");
  std::erase_if(words, [](const Piece& word) { return word.text.empty(); });
  return words;
}

}  // namespace

Result<CronFields> parse_cron_fields(std::string_view expression) {
  if (expression.size() > kCronBytesMax) return wrong(kCronBytesMax + 1, fmt::format("the line goes on after {} bytes: write two entries", kCronBytesMax));
  std::vector<Piece> words = words_of(expression);
  if (words.size() == 1 && words[0].text.starts_with('@')) {
    const auto* const known = std::ranges::find_if(kShortLines, [&](const auto& one) { return same_word(one.first, words[0].text); });
    if (known == std::end(kShortLines))
      return wrong(words[0].column, fmt::format("'{}' is not known: write @hourly, @daily, @weekly, @monthly, @yearly or five fields", words[0].text));
    words = words_of(known->second);
  }
  if (words.size() < kFieldRules.size()) return wrong(expression.size() + 1, fmt::format("{} is missing: {}", kFieldRules[words.size()].name, kFiveFields));
  if (words.size() > kFieldRules.size()) return wrong(words[5].column, fmt::format("'{}' is one field too many: {}", words[5].text, kFiveFields));
  std::array<uint64_t, 5> sets{};
  for (size_t i = 0; i < kFieldRules.size(); ++i) {
    const Result<uint64_t> set = parse_field(kFieldRules[i], words[i]);
    if (!set) return fail(set.error());
    sets[i] = *set;
  }
  constexpr uint64_t kSundays = uint64_t{1} << static_cast<unsigned>(kSunday);
  const uint64_t weekdays = (sets[4] & kSundays) != 0 ? (sets[4] & ~kSundays) | 1U : sets[4];
  const CronFields fields{.minutes = sets[0],
                          .hours = sets[1],
                          .days = sets[2],
                          .months = sets[3],
                          .weekdays = weekdays,
                          .either_day = !words[2].text.starts_with('*') && !words[4].text.starts_with('*')};
  if (!ever_fires(fields))
    return wrong(words[2].column, fmt::format("day-of-month: the line never fires, since no month that it names has the day {}", words[2].text));
  return fields;
}

}  // namespace ebb::domain
