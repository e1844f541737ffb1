// Names and ports.
#include "domain/egress.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace ebb::domain {

namespace {

constexpr size_t kHostBytesMax = 253;  // of DNS
constexpr uint16_t kMail = 25;

bool is_host(std::string_view name) {
  const bool any_below = name.starts_with("*.");
  if (any_below) name.remove_prefix(2);
  const auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == ':'; };
  const bool address = name.find(':') != std::string_view::npos;
  return !name.empty() && name.size() <= kHostBytesMax && std::ranges::all_of(name, fits) && (address || name.front() != '.') && !(any_below && address) &&
         name.find("..") == std::string_view::npos;
}

std::unexpected<Error> no_host(std::string_view text) {
  return fail(ErrorKind::kInvalid,
              fmt::format("'{}' is no host that a function may reach: write api.example.com, *.example.com or api.example.com:443", text.substr(0, 80)),
              "egress");
}

}  // namespace

std::string normal_host(std::string_view host) {
  std::string name(host);
  std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (name.size() > 1 && name.ends_with('.')) name.pop_back();
  return name;
}

Result<EgressHost> parse_egress_host(std::string_view text) {
  EgressHost host;
  std::string_view port;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos || (end + 1 < text.size() && text[end + 1] != ':')) return no_host(text);
    host.name = normal_host(text.substr(1, end - 1));
    if (end + 1 < text.size()) port = text.substr(end + 1);
  } else {
    const size_t colon = text.find(':');
    host.name = normal_host(text.substr(0, colon));
    if (colon != std::string_view::npos) port = text.substr(colon);
  }
  if (!is_host(host.name)) return no_host(text);
  if (port.empty()) return host;
  uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data() + 1, port.data() + port.size(), number);
  if (error != std::errc() || end != port.data() + port.size() || number == 0) return no_host(text);
  host.port = number;
  return host;
}

std::string to_string(const EgressHost& host) {
  const std::string name = host.name.find(':') == std::string::npos ? host.name : fmt::format("[{}]", host.name);
  return host.port ? fmt::format("{}:{}", name, *host.port) : name;
}

std::optional<std::string> refusal_of(const Egress& rule, std::string_view host, uint16_t port) {
  // As clouds have it: a function that sends mail by itself is most often one that was taken over.
  if (port == kMail) return "port 25 is closed: send mail by a relay's submission port";
  if (port == 0) return "there is no port 0";
  if (rule.hosts.empty()) return std::nullopt;
  const bool named = std::ranges::any_of(rule.hosts, [&](const EgressHost& one) {
    const bool below = one.name.starts_with("*.") && host.size() + 1 > one.name.size() && host.ends_with(std::string_view(one.name).substr(1));
    return (below || one.name == host) && (!one.port || *one.port == port);
  });
  if (named) return std::nullopt;
  return "its owner's 'egress' does not name it";
}

}  // namespace ebb::domain
