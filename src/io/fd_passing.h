// Passing descriptors over a Unix socket (SCM_RIGHTS).
//
// For non-blocking callers: both functions return what the system call returned, with errno as it left it.
#pragma once

#include <sys/types.h>

#include <span>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace ebb::io {

// More descriptors than this in one message are closed on arrival.
inline constexpr size_t kPassedFdsMax = 4;

// Sends some of `bytes` (at least one, or fails) and a copy of `fd` with the first of them. Never waits, never raises SIGPIPE.
ssize_t send_some_with_fd(int socket, std::string_view bytes, int fd);

// Receives what is there into `buffer` without waiting, and the descriptors that came with it (close-on-exec) into `came`.
ssize_t receive_some_with_fds(int socket, std::span<char> buffer, std::vector<Fd>& came);

}  // namespace ebb::io
