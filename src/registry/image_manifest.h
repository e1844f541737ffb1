// Reads what an image says of itself: the entry document of a layout, an index, a manifest, a configuration. Strict and pure; the texts are
// strangers'. Field names and media types are those of the OCI image specification 1.1 and of Docker's image manifest version 2, schema 2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/image.h"

namespace ebb::registry {

struct Platform {
  std::string os;
  std::string architecture;
  bool operator==(const Platform&) const = default;
};
std::string to_string(const Platform& platform);  // "linux/amd64"
// Of this machine, by the names of the specification.
Platform this_platform();

struct Descriptor {
  std::string media_type;
  domain::Digest digest;
  uint64_t bytes = 0;
  std::optional<Platform> platform = {};  // in an index
  std::string name = {};                  // "org.opencontainers.image.ref.name"
  bool operator==(const Descriptor&) const = default;
};

bool is_index_type(std::string_view media_type);
bool is_manifest_type(std::string_view media_type);

// index.json of a layout, and what is_index_type.
Result<std::vector<Descriptor>> parse_index(std::string_view text);

// The one image of an index that is meant: by its name in a layout if `name` is not empty, else by platform, else the only one. Entries that
// are for no platform ("unknown/unknown": signatures, attestations) are passed over. Error: kInvalid, param "source", with what there is.
Result<Descriptor> choose(const std::vector<Descriptor>& index, const std::string& name, const Platform& wanted);

struct Manifest {
  Descriptor config;
  std::vector<Descriptor> layers;
};
Result<Manifest> parse_manifest(std::string_view text);

struct ImageDocument {
  Platform platform;
  domain::ImageConfig config;
  std::vector<domain::Digest> diff_ids;  // of the layers, unpacked
  std::vector<std::string> notes;
};
Result<ImageDocument> parse_image_document(std::string_view text);

// Error: kInvalid, naming both, unless the image is for `here`.
Status check_platform(const Platform& image, const Platform& here);

}  // namespace ebb::registry
