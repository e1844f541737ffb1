// Calling the runtime once, and waiting until ebb-init is there.
#pragma once

#include "base/result.h"
#include "container/init_link.h"
#include "container/sandbox.h"

namespace ebb::container {

// ebb-init's process id; `link` is then connected to it. For a process with one thread. After an error something may be left: end the cgroup.
// kNotFound: the image or a mount's source. kTimeout, kIo: what the runtime said.
Result<pid_t> make_container(const SandboxSpec& spec, const Runtime& runtime, InitLink& link);

}  // namespace ebb::container
