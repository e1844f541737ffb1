// Reads a layer as it will be unpacked, without unpacking it: its digests, its bounds, and the rules of layer_policy.h for each entry.
#pragma once

#include <functional>

#include "base/result.h"
#include "domain/image.h"
#include "registry/layer_policy.h"

namespace ebb::registry {

// `blob` is read from its position to its end. `layer` is what the manifest says of it, `diff_id` the digest of the archive inside. `passed` gets
// the bytes of the blob that were read. Errors: kCorrupt where a digest or the size is another one or the archive is broken; those of the policy.
Status check_layer(int blob, const domain::ImageLayer& layer, const domain::Digest& diff_id, LayerTally& tally, const std::function<void(uint64_t)>& passed);

}  // namespace ebb::registry
