// The first half of an image fetch: from its source into an OCI layout in the work folder, by skopeo.
#pragma once

#include "base/result.h"
#include "registry/image_source.h"
#include "registry/image_workplace.h"

namespace ebb::registry {

// The layout then has one image, "image", for this machine. Nothing of it is checked yet. Errors: param "source".
Status bring_image(Workplace& place, const ImageSource& source);

}  // namespace ebb::registry
