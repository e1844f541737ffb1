// One length for all names, so that a table of them is even.
#include "plan/trace_names.h"

#include <fmt/format.h>

#include <algorithm>

#include "domain/limits.h"

namespace ebb::plan {

namespace {

constexpr size_t kLeast = 8;

bool is_letter_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

char legal_char(char c) {
  if (c >= 'A' && c <= 'Z') return static_cast<char>(c - 'A' + 'a');
  return is_letter_or_digit(c) || c == '.' || c == '_' ? c : '-';
}

// How many characters tell all names apart; 0: some are the same.
size_t telling_length(std::vector<std::string> names) {
  std::ranges::sort(names);
  size_t length = kLeast;
  for (size_t i = 1; i < names.size(); ++i) {
    if (names[i] == names[i - 1]) return 0;
    const auto [end, ignored] = std::ranges::mismatch(names[i], names[i - 1]);
    length = std::max(length, static_cast<size_t>(end - names[i].begin()) + 1);
  }
  return length;
}

std::string with_app(const TraceKey& key, size_t length) { return legal_name(fmt::format("{}-{}", key.app.substr(0, length), key.function.substr(0, length))); }

}  // namespace

std::string legal_name(std::string_view text) {
  std::string name(text.substr(0, domain::kEndpointNameBytesMax));
  std::ranges::transform(name, name.begin(), legal_char);
  if (name.empty() || !is_letter_or_digit(name[0])) name.insert(0, "f");
  return name.substr(0, domain::kEndpointNameBytesMax);
}

std::vector<std::string> trace_names(const std::vector<TraceKey>& keys) {
  std::vector<std::string> names;
  names.reserve(keys.size());
  for (const TraceKey& key : keys)
    names.push_back(legal_name(key.function));
  if (const size_t length = telling_length(names); length != 0) {
    for (std::string& name : names) {
      name.resize(std::min(name.size(), length));
      name.shrink_to_fit();
    }
    return names;
  }
  for (const size_t length : {kLeast, 2 * kLeast, (domain::kEndpointNameBytesMax - 1) / 2}) {
    std::ranges::transform(keys, names.begin(), [length](const TraceKey& key) { return with_app(key, length); });
    if (telling_length(names) != 0) return names;
  }
  for (size_t i = 0; i < keys.size(); ++i)
    names[i] = fmt::format("{}-{}", with_app(keys[i], 2 * kLeast), i + 1);
  return names;
}

}  // namespace ebb::plan
