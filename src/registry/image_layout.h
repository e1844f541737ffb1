// Reads an OCI layout: which image of it is meant, and whether it is what it says. For confined children of ebb-fetch.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "registry/image_manifest.h"
#include "registry/layer_policy.h"

namespace ebb::registry {

// What skopeo copies when it is told to copy "image" from `into`: finds the image for this machine in the layout `from` (through indexes of
// indexes) and writes oci-layout and an index.json with that one alone into `into`, which may be the same folder. The blobs stay where they are.
// Returns the bytes of all its blobs, as its manifest has them.
Result<uint64_t> narrow_layout(int from, int into, const std::string& name, const Platform& wanted);

// What a registry answered for a reference, as it came: an index is narrowed to one entry.
struct RegistryAnswer {
  domain::Digest digest;  // of what is to be asked for next, or copied
  bool is_index = false;  // the entry is an index again
  uint64_t bytes = 0;     // of all blobs; 0 as long as it was an index
  std::vector<domain::ImageLayer> layers = {};
};
Result<RegistryAnswer> read_registry_answer(std::string_view text, const Platform& wanted);

struct CheckedImage {
  domain::Digest manifest;
  domain::ImageFacts facts;  // without unpacked_bytes
  LayerTally tally;
};
// Reads everything of the one image in a layout that skopeo wrote: all digests and sizes, the platform, and each layer as check_layer does.
Result<CheckedImage> check_layout(int layout, const Platform& wanted, const std::function<void(uint64_t done, uint64_t total)>& progress);

json::value to_json(const RegistryAnswer& answer);
Result<RegistryAnswer> registry_answer_from_json(const json::value& value);
json::value to_json(const CheckedImage& image);
Result<CheckedImage> checked_image_from_json(const json::value& value);

}  // namespace ebb::registry
