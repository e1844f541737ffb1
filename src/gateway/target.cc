// Splitting and decoding targets.
#include "gateway/target.h"

#include <fmt/format.h>

namespace ebb::gateway {

namespace {

constexpr size_t kQueryParamsMax = 32;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The part up to the separator; `rest` becomes what follows it.
std::string_view take(std::string_view& rest, char separator) {
  const size_t end = rest.find(separator);
  const std::string_view head = rest.substr(0, end);
  rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
  return head;
}

}  // namespace

std::optional<std::string_view> Target::find(std::string_view key) const {
  for (const auto& [name, value] : query) {
    if (name == key) return value;
  }
  return std::nullopt;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = high < 0 ? -1 : hex_digit(text[i + 2]);
      if (low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      i += 2;
    }
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return std::nullopt;
    out += c;
  }
  return out;
}

Result<Target> parse_path(std::string_view target) {
  if (!target.starts_with('/')) return fail(ErrorKind::kInvalid, "the request's target must be a path that starts with '/'");
  return Target{.path = std::string(take(target, '?')), .query = {}};
}

Result<Target> parse_target(std::string_view target) {
  Result<Target> path = parse_path(target);
  if (!path) return path;
  Target out = std::move(*path);
  std::string_view rest = target.substr(out.path.size());
  take(rest, '?');
  while (!rest.empty()) {
    std::string_view value = take(rest, '&');
    const std::string_view key = take(value, '=');
    if (key.empty()) continue;
    auto name = percent_decode(key);
    std::string plain(value);
    for (char& c : plain)
      c = c == '+' ? ' ' : c;
    auto decoded = percent_decode(plain);
    if (!name || !decoded) return fail(ErrorKind::kInvalid, "the query has a bad percent escape or a control character");
    if (out.query.size() >= kQueryParamsMax) return fail(ErrorKind::kInvalid, fmt::format("the query has more than {} parameters", kQueryParamsMax));
    if (out.find(*name)) return fail(ErrorKind::kInvalid, fmt::format("the query has '{}' twice", *name), *name);
    out.query.emplace_back(std::move(*name), std::move(*decoded));
  }
  return out;
}

std::optional<std::vector<std::pair<std::string, std::string>>> match_path(std::string_view pattern, std::string_view path) {
  std::vector<std::pair<std::string, std::string>> values;
  pattern.remove_prefix(1);
  path.remove_prefix(1);
  for (;;) {
    const bool last_pattern = pattern.find('/') == std::string_view::npos;
    const bool last_path = path.find('/') == std::string_view::npos;
    const std::string_view want = take(pattern, '/');
    if (want == "{*}") return values;
    if (want.starts_with('{') && want.ends_with("...}")) {
      auto rest = percent_decode(path);
      if (!rest || rest->empty()) return std::nullopt;
      values.emplace_back(want.substr(1, want.size() - 5), std::move(*rest));
      return values;
    }
    const std::string_view have = take(path, '/');
    if (want.starts_with('{')) {
      auto value = percent_decode(have);
      if (!value || value->empty()) return std::nullopt;
      values.emplace_back(want.substr(1, want.size() - 2), std::move(*value));
    } else if (want != have) {
      return std::nullopt;
    }
    if (last_pattern != last_path) return std::nullopt;
    if (last_pattern) return values;
  }
}

}  // namespace ebb::gateway
