// Lists of names, and the headers that grow on their way.
#include "wire/passed_headers.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <vector>

namespace ebb::wire {

namespace {

using domain::HttpHeaders;

constexpr std::string_view kOfOneConnection[] = {
    "Connection",        "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer",
    "Transfer-Encoding", "Upgrade",    "Expect",           "HTTP2-Settings"};
constexpr std::string_view kOurs[] = {"X-Request-Id", "Server-Timing"};
constexpr std::string_view kContinued[] = {"X-Forwarded-For", "X-Forwarded-Proto", "Forwarded"};
constexpr std::string_view kNeverTrailers[] = {"Host",          "Content-Length", "Content-Encoding", "Content-Type", "Content-Range", "Set-Cookie",
                                               "Authorization", "Cache-Control",  "Location",         "Vary",         "Age",           "Date"};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool is_one_of(std::string_view name, std::span<const std::string_view> names) {
  return std::ranges::any_of(names, [&](std::string_view one) { return same_name(name, one); });
}

bool is_ours(std::string_view name) { return is_one_of(name, kOurs) || (name.size() >= 4 && same_name(name.substr(0, 4), "Ebb-")); }

// The parts of a list, trimmed, without empty ones.
std::vector<std::string_view> parts_of(std::string_view list) {
  std::vector<std::string_view> parts;
  while (!list.empty()) {
    const size_t comma = std::min(list.find(','), list.size());
    std::string_view part = list.substr(0, comma);
    list.remove_prefix(std::min(comma + 1, list.size()));
    while (!part.empty() && (part.front() == ' ' || part.front() == '\t'))
      part.remove_prefix(1);
    while (!part.empty() && (part.back() == ' ' || part.back() == '\t'))
      part.remove_suffix(1);
    if (!part.empty()) parts.push_back(part);
  }
  return parts;
}

std::vector<std::string_view> parts_of(const HttpHeaders& headers, std::string_view name) {
  std::vector<std::string_view> all;
  for (const auto& [key, value] : headers)
    if (same_name(key, name)) std::ranges::copy(parts_of(value), std::back_inserter(all));
  return all;
}

// Framing may not be made to vanish by being named in Connection.
HttpHeaders end_to_end(const HttpHeaders& headers) {
  const std::vector<std::string_view> named = parts_of(headers, "Connection");
  HttpHeaders passed;
  for (const auto& [name, value] : headers) {
    if (is_one_of(name, kOfOneConnection) || is_ours(name)) continue;
    if (!same_name(name, "Content-Length") && !same_name(name, "Host") && is_one_of(name, named)) continue;
    passed.emplace_back(name, value);
  }
  return passed;
}

std::string joined(const std::vector<std::string_view>& parts, std::string_view last) {
  std::string text;
  for (const std::string_view part : parts)
    text.append(part).append(", ");
  return text.append(last);
}

// RFC 7239: an IPv6 address is bracketed, and quoted for its colons.
std::string forwarded_element(const CallerFacts& caller) {
  const bool v6 = caller.address.find(':') != std::string::npos;
  return (v6 ? "for=\"[" + caller.address + "]\"" : "for=" + caller.address) + ";proto=" + caller.protocol;
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return lower(x) == lower(y); });
}

const std::string* find_header(const HttpHeaders& headers, std::string_view name) {
  const auto found = std::ranges::find_if(headers, [&](const auto& header) { return same_name(header.first, name); });
  return found == headers.end() ? nullptr : &found->second;
}

HttpHeaders headers_for_function(const HttpHeaders& from_caller, const CallerFacts& caller) {
  HttpHeaders passed = end_to_end(from_caller);
  std::erase_if(passed, [](const auto& header) { return is_one_of(header.first, kContinued) || same_name(header.first, "traceparent"); });
  passed.emplace_back("X-Forwarded-For", joined(parts_of(from_caller, "X-Forwarded-For"), caller.address));
  const std::string* protocol = find_header(from_caller, "X-Forwarded-Proto");
  passed.emplace_back("X-Forwarded-Proto", protocol != nullptr ? *protocol : caller.protocol);
  passed.emplace_back("Forwarded", joined(parts_of(from_caller, "Forwarded"), forwarded_element(caller)));
  passed.emplace_back("traceparent", caller.traceparent);
  passed.emplace_back("X-Request-Id", caller.request_id);
  return passed;
}

HttpHeaders headers_for_caller(const HttpHeaders& from_function) { return end_to_end(from_function); }

HttpHeaders trailers_that_pass(const HttpHeaders& trailers) {
  HttpHeaders passed = end_to_end(trailers);
  std::erase_if(passed, [](const auto& header) { return is_one_of(header.first, kNeverTrailers); });
  return passed;
}

bool asks_for_upgrade(const HttpHeaders& headers) {
  return std::ranges::any_of(parts_of(headers, "Upgrade"), [](std::string_view protocol) { return !same_name(protocol, "h2c") && !same_name(protocol, "h2"); });
}

}  // namespace ebb::wire
