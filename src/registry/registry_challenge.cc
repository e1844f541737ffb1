// Addresses by libcurl's parser, headers by hand: their grammar is small.
#include "registry/registry_challenge.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>

namespace ebb::registry {

namespace {

bool is_token_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

std::string lowered(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

// Reads "name", then optionally `= "value"` or `= value`, from the front.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}
  bool done() {
    skip(" \t,");
    return rest_.empty();
  }
  std::string_view token() {
    const auto end = std::ranges::find_if_not(rest_, is_token_char);
    const std::string_view found = rest_.substr(0, static_cast<size_t>(end - rest_.begin()));
    // What is no token is passed over, or this would never end.
    rest_.remove_prefix(found.empty() && !rest_.empty() ? 1 : found.size());
    return found;
  }
  bool equals() {
    std::string_view ahead = rest_;
    while (ahead.starts_with(' '))
      ahead.remove_prefix(1);
    if (!ahead.starts_with('=')) return false;
    rest_ = ahead.substr(1);
    skip(" \t");
    return true;
  }
  std::string value() {
    if (!rest_.starts_with('"')) return std::string(token());
    std::string out;
    size_t i = 1;
    for (; i < rest_.size() && rest_[i] != '"'; ++i) {
      if (rest_[i] == '\\' && i + 1 < rest_.size()) ++i;
      out += rest_[i];
    }
    rest_.remove_prefix(std::min(rest_.size(), i + 1));
    return out;
  }

 private:
  void skip(std::string_view what) { rest_.remove_prefix(std::min(rest_.size(), rest_.find_first_not_of(what))); }
  std::string_view rest_;
};

std::string part_of(CURLU* url, CURLUPart part, unsigned flags) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

}  // namespace

std::vector<Challenge> parse_challenges(std::string_view value) {
  std::vector<Challenge> out;
  Scanner scanner(value);
  while (!scanner.done() && out.size() < 16) {
    const std::string_view name = scanner.token();
    if (name.empty()) continue;
    if (!scanner.equals()) {
      out.push_back({.scheme = lowered(name), .realm = {}});
      continue;
    }
    std::string text = scanner.value();
    if (!out.empty() && lowered(name) == "realm") out.back().realm = std::move(text);
  }
  return out;
}

std::string origin_of(std::string_view address) {
  const std::unique_ptr<CURLU, decltype(&curl_url_cleanup)> url(curl_url(), &curl_url_cleanup);
  // A backslash is a slash to some parsers and a part of the name to others.
  if (!url || address.find_first_of("\\ \t") != std::string_view::npos) return {};
  if (curl_url_set(url.get(), CURLUPART_URL, std::string(address).c_str(), 0) != CURLUE_OK) return {};
  const std::string scheme = part_of(url.get(), CURLUPART_SCHEME, 0);
  const std::string host = lowered(part_of(url.get(), CURLUPART_HOST, 0));
  if ((scheme != "http" && scheme != "https") || host.empty()) return {};
  if (!part_of(url.get(), CURLUPART_USER, 0).empty()) return {};
  // As it is written, so that no other parser finds another host in it.
  const std::string begins = scheme + "://" + host;
  const std::string written = lowered(address);
  if (!written.starts_with(begins) || (written.size() > begins.size() && std::string_view("/:?#").find(written[begins.size()]) == std::string_view::npos))
    return {};
  const std::string port = part_of(url.get(), CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);
  return scheme + "://" + host + (port.empty() ? "" : ":" + port);
}

uint16_t port_of(std::string_view origin) {
  const size_t colon = origin.rfind(':');
  uint16_t port = 0;
  const auto [end, error] = std::from_chars(origin.data() + colon + 1, origin.data() + origin.size(), port);
  if (error == std::errc{} && end == origin.data() + origin.size()) return port;
  return origin.starts_with("https://") ? 443 : origin.starts_with("http://") ? 80 : 0;
}

Result<LoginUse> judge_challenges(const RegistryHost& host, int status, const std::vector<Challenge>& challenges, std::string_view token_server) {
  if (status == 200 || status == 404) return LoginUse::kNotNeeded;
  if (status != 401 || challenges.empty())
    return fail(ErrorKind::kUnavailable, fmt::format("{} does not answer as a registry does (status {})", host.text, status), "source");
  const std::string own = origin_of((host.loopback ? "http://" : "https://") + host.text);
  for (const Challenge& challenge : challenges) {
    if (challenge.scheme == "basic") continue;  // sent to the registry itself
    const std::string asked = challenge.scheme == "bearer" ? origin_of(challenge.realm) : "";
    if (asked.empty())
      return fail(ErrorKind::kUnauthorized, fmt::format("{} wants a login of a kind that is not known here; the stored one was not sent", host.text), "source");
    if (asked == own || (!token_server.empty() && asked == token_server)) continue;
    return fail(ErrorKind::kUnauthorized,
                fmt::format("{0} wants its password sent to {1}, another server; it was not sent. If you know that server as the registry's own: "
                            "ebb registry login {0} --username NAME --token-server {1}",
                            host.text, asked),
                "source");
  }
  return LoginUse::kSend;
}

}  // namespace ebb::registry
