// Written whole, by a rename: a crash leaves the old file or the new one.
#include "registry/registry_logins.h"

#include <fmt/format.h>

#include <algorithm>

#include "domain/limits.h"
#include "io/files.h"
#include "registry/registry_challenge.h"

namespace ebb::registry {

namespace {

constexpr size_t kFileBytesMax = domain::kRegistryLoginsMax * 4 * domain::kRegistrySecretBytesMax;

auto unreadable(const std::filesystem::path& file, const std::string& why) {
  return fail(ErrorKind::kCorrupt, fmt::format("{} cannot be read ({}): remove it and log in to your registries again", file.string(), why));
}

bool is_plain(std::string_view text) {
  return std::ranges::none_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
}

Status check(const RegistryLogin& login) {
  if (login.username.empty() || login.username.size() > domain::kRegistrySecretBytesMax || !is_plain(login.username) ||
      login.username.find(':') != std::string::npos)
    return fail(ErrorKind::kInvalid, "the user name is empty, too long, or has a colon or a control character", "username");
  if (login.password.empty() || !is_plain(login.password)) return fail(ErrorKind::kInvalid, "the password is empty or has a control character", "password");
  if (login.password.size() > domain::kRegistrySecretBytesMax)
    return fail(ErrorKind::kTooLarge, fmt::format("the password has more than {} bytes", domain::kRegistrySecretBytesMax), "password");
  return {};
}

}  // namespace

Result<RegistryLogins> RegistryLogins::load(std::filesystem::path file) {
  RegistryLogins out(std::move(file));
  const Result<std::string> text = io::read_small_file(out.file_, kFileBytesMax);
  if (!text && text.error().kind == ErrorKind::kNotFound) return out;
  if (!text) return fail(text.error());
  std::error_code error;
  std::filesystem::permissions(out.file_, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write, error);
  if (error) return fail(ErrorKind::kIo, fmt::format("{} cannot be made private: {}", out.file_.string(), error.message()));
  const Result<json::value> value = parse_json(*text);
  // What stands in the file is not repeated in a message.
  const json::object* const object = value ? value->if_object() : nullptr;
  if (object == nullptr) return unreadable(out.file_, "it is no JSON object");
  for (const auto& [host, login] : *object) {
    Result<RegistryLogin> read = registry_login_from_json(login, std::string(host));
    if (!read) return unreadable(out.file_, read.error().message);
    out.logins_.emplace(host, std::move(*read));
  }
  return out;
}

std::optional<RegistryLogin> RegistryLogins::of(const RegistryHost& host) const {
  const auto found = logins_.find(host.text);
  return found == logins_.end() ? std::nullopt : std::optional(found->second);
}

Status RegistryLogins::write(const std::map<std::string, RegistryLogin>& logins) const {
  json::object out;
  for (const auto& [host, login] : logins)
    out[host] = to_json(login);
  return io::write_file_atomic(file_, json::serialize(out));
}

Status RegistryLogins::put(const RegistryHost& host, RegistryLogin login) {
  if (Status sound = check(login); !sound) return sound;
  if (!login.token_server.empty()) {
    const std::string origin = origin_of(login.token_server);
    if (origin.empty())
      return fail(ErrorKind::kInvalid, fmt::format("'{}' is no address of a server: write https://HOST", login.token_server.substr(0, 80)), "token_server");
    login.token_server = origin;
  }
  std::map<std::string, RegistryLogin> next = logins_;
  next[host.text] = std::move(login);
  if (next.size() > domain::kRegistryLoginsMax)
    return fail(ErrorKind::kExhausted, fmt::format("there are {} logins already: remove one with `ebb registry logout HOST`", domain::kRegistryLoginsMax),
                "registry");
  if (Status written = write(next); !written) return written;
  logins_ = std::move(next);
  return {};
}

Status RegistryLogins::remove(const RegistryHost& host) {
  std::map<std::string, RegistryLogin> next = logins_;
  if (next.erase(host.text) == 0)
    return fail(ErrorKind::kNotFound, fmt::format("there is no login for '{}': `ebb registry ls` shows those that there are", host.text), "registry");
  if (Status written = write(next); !written) return written;
  logins_ = std::move(next);
  return {};
}

}  // namespace ebb::registry
