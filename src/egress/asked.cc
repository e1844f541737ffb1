// By the grammar of Boost.URL; what it does not know is refused.
#include "egress/asked.h"

#include <fmt/format.h>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>

#include "domain/egress.h"

namespace ebb::egress {

namespace {

namespace urls = boost::urls;

constexpr uint16_t kHttp = 80;

std::unexpected<Error> wrong(std::string message) { return fail(ErrorKind::kInvalid, std::move(message)); }

// Of a whole URI, or of one that was made of an authority. Port 0: it names none.
Result<Asked> asked_of(const urls::url_view& url) {
  if (url.has_userinfo()) return wrong("a user in an address is not passed on: send an Authorization header");
  const std::string_view encoded(url.encoded_host().data(), url.encoded_host().size());
  if (encoded.empty() || encoded.find('%') != std::string_view::npos || url.host_type() == urls::host_type::ipvfuture)
    return wrong("no host that could be reached");
  Asked asked;
  asked.host = domain::normal_host(url.host_type() == urls::host_type::ipv6 ? encoded.substr(1, encoded.size() - 2) : encoded);
  // Not by the library, which takes 65537 for 1.
  const std::string_view port(url.port().data(), url.port().size());
  if (port.empty()) return asked;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), asked.port);
  if (error != std::errc() || end != port.data() + port.size() || asked.port == 0) return wrong("no port from 1 to 65535");
  return asked;
}

}  // namespace

Result<Asked> read_asked(std::string_view method, std::string_view target) {
  if (method == "CONNECT") {
    const std::string text = fmt::format("x://{}", target);
    const auto url = urls::parse_uri(text);
    if (!url || !url->encoded_path().empty() || url->has_query() || url->has_fragment()) return wrong("CONNECT wants host:port");
    Result<Asked> asked = asked_of(*url);
    if (asked && asked->port == 0) return wrong("CONNECT wants host:port");
    if (asked) asked->tunnel = true;
    return asked;
  }
  const auto url = urls::parse_absolute_uri(target);
  if (!url || url->scheme_id() != urls::scheme::http || !url->has_authority())
    return wrong("this is a proxy: send an absolute address that begins with http://, or CONNECT for anything else");
  Result<Asked> asked = asked_of(*url);
  if (!asked) return asked;
  asked->authority = std::string(url->encoded_host().data(), url->encoded_host().size());
  if (asked->port != 0) asked->authority += fmt::format(":{}", asked->port);
  if (asked->port == 0) asked->port = kHttp;
  asked->target = std::string(url->encoded_target().data(), url->encoded_target().size());
  if (!asked->target.starts_with('/')) asked->target.insert(0, "/");
  return asked;
}

}  // namespace ebb::egress
