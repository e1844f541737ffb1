// Asks a registry, without a credential, what it wants for an image. For a confined child of ebb-fetch; prepare_http() comes before.
#pragma once

#include <string_view>

#include "base/result.h"
#include "registry/image_source.h"
#include "registry/registry_challenge.h"

namespace ebb::registry {

// Follows no redirect. Errors: those of judge_challenges, kUnavailable if the registry cannot be reached.
Result<LoginUse> probe_registry(const RegistryImage& image, std::string_view token_server);

}  // namespace ebb::registry
