// How a sandbox's id is made, and what ends what is left of it once its worker is gone.
//
// ebb-spawner makes the id, and the worker finds it as its only argument: <its server's tag>-<its own pid>-<a count>. So none is used twice while
// anything of it may still be there, and what an earlier spawner of the same server left can be told from what is alive.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace ebb::container {

inline constexpr size_t kIdBytesMax = 64;

// [a-z0-9-], not empty, not too long, not with '-' at an end.
bool is_container_id(std::string_view id);

// For all sandboxes whose id is `id` or begins with `id` and '-': ends runtimes that are still making one, kills what is in the cgroups, frozen or not,
// and removes them. Nothing there is success.
// kTimeout: something would not end within `patience`.
Status end_containers(std::string_view id, milliseconds patience);

// The same, and again until `watch` is over: right after a worker was killed, a runtime that it had called may be seen only a moment later.
Status end_containers_that_may_come(std::string_view id, milliseconds patience, milliseconds watch);

}  // namespace ebb::container
