// Opens an archive of an image: what `docker save`, `skopeo copy … oci-archive:` and their like write.
#pragma once

#include <functional>

#include "base/result.h"

namespace ebb::registry {

enum class ArchiveKind { kDocker, kOci };

// Tells which kind it is. Of an OCI archive, what makes a layout is written below `into` (oci-layout, index.json, blobs/sha256/<digits>) and
// nothing else of it; a Docker archive is left to skopeo. `passed` gets the bytes of the archive that were read. Error: kInvalid, kTooLarge or
// kCorrupt, param "source".
Result<ArchiveKind> open_image_archive(int archive, int into, const std::function<void(uint64_t)>& passed);

}  // namespace ebb::registry
