// Names are compared without case; values that cannot be read count as not said.
#include "registry/http_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace ebb::registry {

namespace {

constexpr size_t kValidatorBytesMax = 256;

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r' || text.back() == '\n'))
    text.remove_suffix(1);
  return text;
}

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::ranges::equal(a, b, {}, lower, lower);
}

uint64_t number_of(std::string_view digits) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc{} && end == digits.data() + digits.size() ? value : 0;
}

bool is_plain(std::string_view text) {
  return text.size() <= kValidatorBytesMax && std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f; });
}

}  // namespace

void HttpAnswer::add_line(std::string_view line) {
  if (line.starts_with("HTTP/")) {
    const int redirects = redirects_;
    *this = HttpAnswer();
    redirects_ = redirects;
    const size_t space = std::min(line.find(' '), line.size() - 1);
    status_ = static_cast<int>(number_of(line.substr(space + 1, 3)));
    if (status_ >= 300 && status_ < 400) ++redirects_;
    return;
  }
  line = trimmed(line);
  if (line.empty()) {
    complete_ = true;
    return;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  const std::string_view name = line.substr(0, colon);
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (same_name(name, "content-length")) length_ = number_of(value);
  if (same_name(name, "content-range")) read_range(value);
  if (same_name(name, "etag") && value.starts_with('"') && is_plain(value)) etag_ = value;
  if (same_name(name, "last-modified") && is_plain(value)) modified_ = value;
}

void HttpAnswer::read_range(std::string_view value) {
  // bytes 100-199/200
  if (!value.starts_with("bytes ")) return;
  value.remove_prefix(6);
  const size_t dash = value.find('-');
  const size_t slash = value.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash) return;
  range_start_ = number_of(value.substr(0, dash));
  range_total_ = number_of(value.substr(slash + 1));
}

Error HttpAnswer::refusal(const std::string& host) const {
  const auto error = [&](ErrorKind kind, std::string_view why) {
    return Error{.kind = kind, .message = fmt::format("{} answered {}: {}", host, status_, why), .param = "source"};
  };
  switch (status_) {
    case 401:
    case 403: return error(ErrorKind::kUnauthorized, "the model is not for everyone, or not at this address");
    case 404:
    case 410: return error(ErrorKind::kNotFound, "there is nothing at this address");
    case 408: return error(ErrorKind::kTimeout, "it waited too long: try again");
    case 429: return error(ErrorKind::kUnavailable, "too many requests: try again later");
    default: break;
  }
  if (status_ >= 500) return error(ErrorKind::kUnavailable, "it is in trouble: try again later");
  return error(ErrorKind::kInvalid, "it does not give out the file");
}

}  // namespace ebb::registry
