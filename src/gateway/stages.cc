// The stages one by one.
#include "gateway/stages.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "domain/limits.h"
#include "wire/quantity.h"

namespace ebb::gateway {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

// 127.a.b.c, digits and dots only, so that "127.evil.example" is not one.
bool is_loopback_v4(std::string_view host) {
  if (!host.starts_with("127.") || host.find_first_not_of("0123456789.") != std::string_view::npos) return false;
  return std::count(host.begin(), host.end(), '.') == 3;
}

bool is_port(std::string_view text) { return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789") == std::string_view::npos; }

}  // namespace

bool is_loopback_host(std::string_view host) {
  const size_t end = host.starts_with('[') ? host.find(']') + 1 : host.find(':');  // an unclosed bracket gives an empty name
  const std::string_view name = host.substr(0, end);
  const std::string_view rest = end == std::string_view::npos ? std::string_view{} : host.substr(end);
  if (!rest.empty() && (rest.front() != ':' || !is_port(rest.substr(1)))) return false;
  return lower(name) == "localhost" || name == "[::1]" || is_loopback_v4(name);
}

std::optional<Refusal> check_host(std::string_view host) {
  if (is_loopback_host(host)) return std::nullopt;
  return Refusal{.status = 421,
                 .error = {.kind = ErrorKind::kInvalid,
                           .message = fmt::format(
                               "the Host '{}' is not this server: it listens on the loopback interface and answers only to localhost, 127.0.0.1 and [::1]",
                               host.substr(0, 100)),
                           .param = "Host"}};
}

std::optional<Refusal> check_origin(std::string_view origin, std::string_view own_host) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!origin.starts_with(scheme)) continue;
    const std::string_view host = origin.substr(scheme.size());
    if (is_loopback_host(host) || (!own_host.empty() && lower(host) == lower(own_host))) return std::nullopt;
  }
  return Refusal{.status = 403,
                 .error = {.kind = ErrorKind::kInvalid,
                           .message = fmt::format("pages of '{}' may not use this server: only pages of {} may", origin.substr(0, 100),
                                                  own_host.empty() ? "this machine" : "its own address"),
                           .param = "Origin"}};
}

std::optional<Refusal> check_page(std::string_view origin, std::string_view sec_fetch_site) {
  const bool typed = sec_fetch_site.empty() || sec_fetch_site == "none";  // into the address bar
  if (origin.empty() && typed) return std::nullopt;
  return Refusal{.status = 403,
                 .error = {.kind = ErrorKind::kInvalid,
                           .message = "pages in a browser may not use this route: a deployed function may serve pages from this very address",
                           .param = origin.empty() ? "Sec-Fetch-Site" : "Origin"}};
}

Result<milliseconds> parse_deadline(std::string_view value) {
  Result<milliseconds> deadline = wire::parse_duration(value);
  if (!deadline) return fail(ErrorKind::kInvalid, "'Ebb-Deadline': " + deadline.error().message, "Ebb-Deadline");
  if (deadline->count() <= 0 || *deadline > domain::kCallTimeMax)
    return fail(ErrorKind::kInvalid, fmt::format("'Ebb-Deadline' must be above 0 and at most {}", wire::format_duration(domain::kCallTimeMax)), "Ebb-Deadline");
  return *deadline;
}

Result<milliseconds> parse_keep_alive(std::string_view value) {
  Result<milliseconds> every = wire::parse_duration(value);
  if (!every) return fail(ErrorKind::kInvalid, "'Ebb-Keep-Alive': " + every.error().message, "Ebb-Keep-Alive");
  if (*every < seconds(1) || *every > domain::kKeepAliveMax)
    return fail(ErrorKind::kInvalid, fmt::format("'Ebb-Keep-Alive' must be from 1s to {}", wire::format_duration(domain::kKeepAliveMax)), "Ebb-Keep-Alive");
  return *every;
}

std::optional<Refusal> check_own_header(std::string_view name) {
  constexpr std::array<std::string_view, 5> kHonoured{"ebb-deadline", "ebb-keep-alive", "ebb-max-cost", "ebb-priority", "ebb-tenant"};
  const std::string plain = lower(name.substr(0, 64));
  if (!plain.starts_with("ebb-") || std::ranges::find(kHonoured, plain) != kHonoured.end()) return std::nullopt;
  return Refusal{.error = {.kind = ErrorKind::kInvalid,
                           .message = fmt::format("the header '{}' is not supported yet: leave it out", name.substr(0, 64)),
                           .param = std::string(name.substr(0, 64))}};
}

}  // namespace ebb::gateway
