// A second reading, with the words in quotation marks, where the first one failed.
#include "wire/loose_json.h"

#include <array>
#include <string>

namespace ebb::wire {

namespace {

constexpr std::array<std::string_view, 3> kWords{"NaN", "Infinity", "-Infinity"};

// Of a string that begins at `text`, its quotation marks included; all that is left where it does not end.
size_t string_length(std::string_view text) {
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      return i + 1;
    }
  }
  return text.size();
}

std::string_view word_at(std::string_view text) {
  for (const std::string_view word : kWords) {
    if (text.starts_with(word)) return word;
  }
  return {};
}

// At most twice as long as the text. Empty: there was no such word.
std::string quoted(std::string_view text) {
  std::string out;
  bool found = false;
  out.reserve(text.size() + text.size() / 4);
  while (!text.empty()) {
    size_t length = 1;
    if (text.front() == '"') {
      length = string_length(text);
      out += text.substr(0, length);
    } else if (const std::string_view word = word_at(text); !word.empty()) {
      length = word.size();
      found = true;
      out += '"';
      out += word;
      out += '"';
    } else {
      out += text.front();
    }
    text.remove_prefix(length);
  }
  return found ? out : std::string();
}

}  // namespace

Result<json::value> parse_loose_json(std::string_view text) {
  Result<json::value> value = parse_json(text);
  if (value) return value;
  const std::string again = quoted(text);
  if (again.empty()) return value;
  Result<json::value> loose = parse_json(again);
  return loose ? std::move(loose) : std::move(value);
}

}  // namespace ebb::wire
