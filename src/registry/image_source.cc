// The grammar of references as registries have it, but a host is always to be written: a short name would mean another image on another machine.
#include "registry/image_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace ebb::registry {

namespace {

constexpr size_t kReferenceBytesMax = 512;
constexpr size_t kHostBytesMax = 253;
constexpr size_t kTagBytesMax = 128;
constexpr uint16_t kHttpPort = 80;
constexpr uint16_t kHttpsPort = 443;

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_word(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '_'; }

std::string lowered(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

bool is_host_name(std::string_view name) {
  const bool plain = std::ranges::all_of(name, [](char c) { return is_lower_or_digit(c) || c == '.' || c == '-'; });
  return plain && !name.empty() && name.size() <= kHostBytesMax && is_lower_or_digit(name.front()) && is_lower_or_digit(name.back()) &&
         name.find("..") == std::string_view::npos;
}

bool is_v6(std::string_view name) {
  return name.size() >= 2 && name.size() <= 45 &&
         std::ranges::all_of(name, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || c == ':' || c == '.'; });
}

bool is_loopback(std::string_view name) {
  if (name == "localhost" || name == "::1") return true;
  return name.starts_with("127.") && std::ranges::all_of(name, [](char c) { return (c >= '0' && c <= '9') || c == '.'; }) && std::ranges::count(name, '.') == 3;
}

bool is_name_part(std::string_view part) {
  const bool plain = std::ranges::all_of(part, [](char c) { return is_lower_or_digit(c) || c == '.' || c == '_' || c == '-'; });
  return plain && !part.empty() && is_lower_or_digit(part.front()) && is_lower_or_digit(part.back());
}

bool is_name(std::string_view name) {
  while (true) {
    const size_t slash = name.find('/');
    if (!is_name_part(name.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

bool is_tag(std::string_view tag) {
  return !tag.empty() && tag.size() <= kTagBytesMax && is_word(tag.front()) &&
         std::ranges::all_of(tag, [](char c) { return is_word(c) || c == '.' || c == '-'; });
}

bool read_port(std::string_view text, uint16_t& port) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  return error == std::errc{} && end == text.data() + text.size() && port != 0;
}

auto wrong(std::string why) { return fail(ErrorKind::kInvalid, std::move(why), "source"); }

// What stands before the first slash names a registry only if it could be no part of a name.
bool names_host(std::string_view first) { return first == "localhost" || first.find_first_of(".:[") != std::string_view::npos; }

Result<ImageSource> parse_reference(std::string_view text, std::string_view written) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos || !names_host(text.substr(0, slash)))
    return wrong(fmt::format("'{}' is neither a path nor a reference with a registry in it: write an absolute path, or HOST/NAME:TAG", written));
  const Result<RegistryHost> host = parse_registry_host(text.substr(0, slash));
  if (!host) return wrong(host.error().message);
  RegistryImage image{.host = *host, .name = {}, .tag = {}};
  std::string_view rest = text.substr(slash + 1);
  if (const size_t at = rest.find('@'); at != std::string_view::npos) {
    const std::string_view digest = rest.substr(at + 1);
    const auto parsed = domain::parse_digest(digest);
    if (!parsed || !digest.starts_with("sha256:"))
      return wrong(fmt::format("'{}' is no digest: behind @ stands sha256: and 64 hex digits", digest.substr(0, 80)));
    image.digest = *parsed;
    rest = rest.substr(0, at);
  }
  if (const size_t colon = rest.rfind(':'); colon != std::string_view::npos) {
    image.tag = std::string(rest.substr(colon + 1));
    if (!is_tag(image.tag)) return wrong(fmt::format("'{}' is no tag: letters, digits, '_', '.' and '-', at most {}", image.tag.substr(0, 80), kTagBytesMax));
    rest = rest.substr(0, colon);
  }
  if (!is_name(rest))
    return wrong(fmt::format("'{}' is no name of an image in a registry: small letters, digits, '.', '_' and '-', in parts between '/'", rest));
  image.name = std::string(rest);
  if (image.tag.empty() && !image.digest) image.tag = "latest";
  return ImageSource(std::move(image));
}

}  // namespace

Result<RegistryHost> parse_registry_host(std::string_view text) {
  const auto refused = [&] { return fail(ErrorKind::kInvalid, fmt::format("'{}' is no registry: write HOST or HOST:PORT", text.substr(0, 80)), "registry"); };
  RegistryHost host{.text = lowered(text), .name = {}, .port = {}};
  std::string_view rest = host.text;
  const bool bracketed = rest.starts_with('[');
  const size_t end = bracketed ? rest.find(']') : rest.find(':');
  if (bracketed && end == std::string_view::npos) return refused();
  host.name = std::string(bracketed ? rest.substr(1, end - 1) : rest.substr(0, end));
  rest.remove_prefix(std::min(rest.size(), bracketed ? end + 1 : end));
  if (bracketed ? !is_v6(host.name) : !is_host_name(host.name)) return refused();
  if (!rest.empty()) {
    uint16_t port = 0;
    if (!rest.starts_with(':') || !read_port(rest.substr(1), port)) return refused();
    host.port = port;
  }
  host.loopback = is_loopback(host.name);
  // The same place has one name, since credentials go by it.
  const uint16_t usual = host.loopback ? kHttpPort : kHttpsPort;
  if (host.port == usual) {
    host.text.resize(host.text.rfind(':'));
    host.port.reset();
  }
  return host;
}

std::string RegistryImage::selector() const { return digest ? "@sha256:" + digest->hex() : ":" + tag; }

Result<ImageSource> parse_image_source(std::string_view text) {
  if (text.find('\0') != std::string_view::npos) return wrong("the source has a NUL character");
  if (text.starts_with('/')) return ImageSource(LocalImage{.path = std::string(text)});
  if (text.size() > kReferenceBytesMax) return wrong(fmt::format("the reference is longer than {} bytes", kReferenceBytesMax));
  std::string_view reference = text;
  if (const size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    if (text.substr(0, scheme) != "docker")
      return wrong(fmt::format("images come from a file, a folder or a registry: write docker://HOST/NAME:TAG instead of '{}'", text.substr(0, 80)));
    reference = text.substr(scheme + 3);
  }
  // Before the first slash it would be a user; what it was is not repeated.
  if (reference.substr(0, reference.find('/')).find('@') != std::string_view::npos)
    return wrong("the reference has a user in it: credentials are given once, with `ebb registry login HOST`");
  return parse_reference(reference, reference);
}

std::string to_string(const ImageSource& source) {
  if (const auto* local = std::get_if<LocalImage>(&source)) return local->path;
  const auto& image = std::get<RegistryImage>(source);
  return "docker://" + image.repository() + image.selector();
}

}  // namespace ebb::registry
