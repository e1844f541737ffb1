// By libcurl's own parser.
#include "registry/source_url.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>

namespace ebb::registry {

namespace {

constexpr size_t kAddressBytesMax = 4096;

using Handle = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, 0) != CURLUE_OK) return {};
  std::string copy(text);
  curl_free(text);
  return copy;
}

Handle parsed(std::string_view text) {
  Handle url(curl_url(), &curl_url_cleanup);
  if (!url || curl_url_set(url.get(), CURLUPART_URL, std::string(text).c_str(), 0) != CURLUE_OK) url.reset();
  return url;
}

}  // namespace

bool is_url(std::string_view source) { return source.find("://") != std::string_view::npos && !source.starts_with('/'); }

Result<SourceUrl> parse_source_url(std::string_view text) {
  const auto wrong = [](std::string why) { return fail(ErrorKind::kInvalid, "the source is not a usable address: " + why, "source"); };
  if (text.size() > kAddressBytesMax) return wrong(fmt::format("it is longer than {} bytes", kAddressBytesMax));
  if (!std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f && c != '\\'; }))
    return wrong("it has spaces, backslashes or characters beyond ASCII");
  const Handle url = parsed(text);
  if (!url) return wrong("it cannot be parsed");
  const std::string scheme = part_of(url.get(), CURLUPART_SCHEME);
  if (scheme != "http" && scheme != "https") return wrong("only http:// and https:// can be fetched");
  SourceUrl out{.address = {}, .host = part_of(url.get(), CURLUPART_HOST), .encrypted = scheme == "https", .sha256 = {}};
  if (out.host.empty()) return wrong("it names no host");
  const std::string fragment = part_of(url.get(), CURLUPART_FRAGMENT);
  if (!fragment.empty()) {
    const auto digest = domain::parse_digest(fragment);
    if (!fragment.starts_with("sha256=") || !digest) return wrong("behind # only sha256= and 64 hex digits may stand");
    out.sha256 = *digest;
  }
  curl_url_set(url.get(), CURLUPART_FRAGMENT, nullptr, 0);
  out.address = part_of(url.get(), CURLUPART_URL);
  return out;
}

std::string shown_source(std::string_view source) {
  if (!is_url(source)) return std::string(source);
  const Handle url = parsed(source);
  if (!url) return "an address that cannot be parsed";
  for (const CURLUPart part : {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_QUERY, CURLUPART_FRAGMENT, CURLUPART_OPTIONS})
    curl_url_set(url.get(), part, nullptr, 0);
  return part_of(url.get(), CURLUPART_URL);
}

}  // namespace ebb::registry
