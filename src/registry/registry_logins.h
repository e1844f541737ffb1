// Credentials for registries: one for each host with its port, in one file of the home that only its owner may read (registry-logins.json).
//
// One owner, on the server's loop. A credential leaves this class for one purpose: a fetch from its own host.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>

#include "base/result.h"
#include "registry/image_protocol.h"
#include "registry/image_source.h"

namespace ebb::registry {

class RegistryLogins {
 public:
  // kCorrupt, with what to do, for a file that cannot be read. A file that others may read is made private.
  static Result<RegistryLogins> load(std::filesystem::path file);

  // By host. Shown are names, never passwords.
  const std::map<std::string, RegistryLogin>& list() const { return logins_; }
  // The one of that very host and port, or nothing.
  std::optional<RegistryLogin> of(const RegistryHost& host) const;

  // Replaces what there was. On the disk before it returns. kInvalid, kTooLarge; kExhausted beyond kRegistryLoginsMax.
  Status put(const RegistryHost& host, RegistryLogin login);
  // kNotFound.
  Status remove(const RegistryHost& host);

 private:
  explicit RegistryLogins(std::filesystem::path file) : file_(std::move(file)) {}
  Status write(const std::map<std::string, RegistryLogin>& logins) const;

  std::filesystem::path file_;
  std::map<std::string, RegistryLogin> logins_;
};

}  // namespace ebb::registry
