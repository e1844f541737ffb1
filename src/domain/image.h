// A container image in the registry: a name, a version, and what the image says of itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "domain/model.h"

namespace ebb::domain {

// How the image wants to be run: the configuration of the OCI image specification.
struct ImageConfig {
  std::vector<std::string> entrypoint;  // what is run is entrypoint, then cmd
  std::vector<std::string> cmd;
  std::vector<std::string> env;                             // "KEY=value"
  std::string workdir;                                      // absolute; empty: "/"
  std::string user;                                         // "", "1000", "1000:1000", "name", "name:group"; names are those of the image's own /etc/passwd
  std::vector<std::string> exposed_ports;                   // "8080/tcp"
  std::vector<std::pair<std::string, std::string>> labels;  // by name
  std::string stop_signal;                                  // "SIGTERM"; empty: not said
  bool operator==(const ImageConfig&) const = default;
};

struct ImageLayer {
  Digest digest;       // of the blob as it is stored
  uint64_t bytes = 0;  // of the blob
  bool operator==(const ImageLayer&) const = default;
};

struct ImageFacts {
  std::string architecture;  // "amd64", as the OCI specification names them
  std::string os;            // "linux"
  ImageConfig config;
  Digest config_digest;
  std::vector<ImageLayer> layers;  // the lowest first
  uint64_t unpacked_bytes = 0;     // of the root folder
  std::vector<std::string> notes;  // sentences: what was changed at unpacking, and what will keep it from running
  bool operator==(const ImageFacts&) const = default;

  // False: there is nothing to start.
  bool has_program() const { return !config.entrypoint.empty() || !config.cmd.empty(); }
};

struct Image {
  std::string name;
  int64_t version = 0;  // 1, 2, … in the order of adding
  Digest digest;        // of the manifest as it is stored; the root folder goes by it
  ImageFacts facts;
  WallTime added{};
  std::string source;  // where it came from, without credentials
  bool operator==(const Image&) const = default;
};

struct ImageRef {
  std::string name;
  std::optional<int64_t> version;
  bool operator==(const ImageRef&) const = default;
};
// "resize" or "resize@2", as for models. Error: kInvalid with param "image".
Result<ImageRef> parse_image_ref(std::string_view text);
std::string to_string(const ImageRef& ref);

}  // namespace ebb::domain
