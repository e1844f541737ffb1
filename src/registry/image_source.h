// Where an image comes from, as its owner wrote it. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.h"
#include "domain/image.h"

namespace ebb::registry {

// A registry as its credentials are bound to it: "host", "host:port" or "[v6]:port", in lower case.
struct RegistryHost {
  std::string text;
  std::string name;              // without port and brackets
  std::optional<uint16_t> port;  // as written
  bool loopback = false;         // plain HTTP is spoken only then
  bool operator==(const RegistryHost&) const = default;
};
// Error: kInvalid, param "registry".
Result<RegistryHost> parse_registry_host(std::string_view text);

struct RegistryImage {
  RegistryHost host;
  std::string name;  // "library/busybox"
  std::string tag;   // "latest" unless something else or a digest was written
  std::optional<domain::Digest> digest = {};

  // "host/name", and what selects one image of it: ":tag" or "@sha256:…".
  std::string repository() const { return host.text + "/" + name; }
  std::string selector() const;
  bool operator==(const RegistryImage&) const = default;
};

// A file or folder of this machine, maybe with ":NAME" behind it: which of these was meant, only the files tell.
struct LocalImage {
  std::string path;
  bool operator==(const LocalImage&) const = default;
};

using ImageSource = std::variant<RegistryImage, LocalImage>;

// An absolute path; "docker://host/name:tag" or the same without its scheme. Error: kInvalid, param "source".
Result<ImageSource> parse_image_source(std::string_view text);
// For records and messages: in one form, and never with a credential, which a reference cannot have.
std::string to_string(const ImageSource& source);

}  // namespace ebb::registry
