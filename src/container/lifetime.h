// How a sandbox's id is made, and what ends what is left of it once its worker is gone.
//
// ebb-spawner makes the id: <its server's tag>-<its own pid>-<a count>, so none is used twice while anything of it may still be there, and what an
// earlier spawner of the same server left can be told from what is alive.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace ebb::container {

inline constexpr size_t kIdBytesMax = 64;

// [a-z0-9-], not empty, not too long, not with '-' at an end.
bool is_container_id(std::string_view id);

// Ends runtimes that are still making one, kills and removes the cgroups of all sandboxes whose id is `id` or begins with `id` and '-', thawing what is frozen. Nothing there is success.
// kTimeout: something would not end within `patience`.
Status end_containers(std::string_view id, milliseconds patience);

}  // namespace ebb::container
