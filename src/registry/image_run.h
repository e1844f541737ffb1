// The work of ebb-fetch in its image mode: one request, one image in the store.
#pragma once

#include <functional>

#include "base/fd.h"
#include "base/result.h"
#include "registry/fetch_protocol.h"
#include "registry/image_protocol.h"

namespace ebb::registry {

// This process only starts children, compares what they say, and renames; whatever reads a stranger's bytes is a confined child:
//
//   open    (archive)   tells its kind; of an OCI archive it makes a layout
//   narrow  (layout)    finds the image for this machine                     ask    (registry) the same, by `skopeo inspect`
//   skopeo              copies it into an OCI layout in staging
//   check               reads all of it: digests, bounds, rules; nothing is unpacked before
//   umoci               unpacks the layers into a root folder
//   seal                takes setuid, capabilities and devices away
//
// Then blobs and root folder get their names. `store` is the image store's directory.
Result<ImageFetchResult> run_image_fetch(const ImageFetchRequest& request, Fd store, const std::function<void(const FetchProgress&)>& progress);

}  // namespace ebb::registry
