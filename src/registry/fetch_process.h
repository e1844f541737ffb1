// Starts ebb-fetch with an empty environment, the request on its standard input, the store's directory at its descriptor and nothing
// else; and ends it by its pidfd.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "registry/fetch_protocol.h"

namespace ebb::registry {

struct FetchProcess {
  pid_t pid = -1;
  Fd pidfd;   // readable when it has ended
  Fd output;  // its standard output, non-blocking
};

// `request`: one of fetch_protocol.h or image_protocol.h as JSON.
Result<FetchProcess> start_fetch_process(const std::string& program, const json::value& request, int store_directory);

// With its children, whose group it leads. Before it is reaped.
void kill_fetch_process(const FetchProcess& process);
// After the pidfd became readable. The status as of waitpid; -1 if somebody else reaped it.
int reap_fetch_process(const FetchProcess& process);

}  // namespace ebb::registry
