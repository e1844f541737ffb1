// Adding an image, for `ebb image add` and for whoever deploys one from a file.
#pragma once

#include <string>

#include "cli/server.h"
#include "domain/image.h"

namespace ebb::cli {

// Something that can only be a source, not a stored image's name: it has a slash, or is a file or folder that is there and no name.
bool is_image_source(const std::string& text);

// `source` is an archive, an OCI layout's folder (either maybe with ":NAME" behind it), or a reference HOST/NAME:TAG. Shows progress on stderr.
// Error: of the command line (nothing was sent), or the server's.
Result<domain::Image> add_image_from(Context& context, Server& server, const std::string& name, const std::string& source);

// "resize@1: linux/amd64, 3 layers, 12.0 MiB, 40.0 MiB unpacked".
std::string describe(const domain::Image& image);

}  // namespace ebb::cli
