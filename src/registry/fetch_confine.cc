// No new privileges, no capabilities, resource limits, Landlock, and a seccomp list of what is denied.
#include "registry/fetch_confine.h"

#include <csignal>

#include "registry/confine_parts.h"

namespace ebb::registry {

Result<std::vector<std::string>> confine_fetcher(const FetchRights& rights) {
  std::vector<std::string> missing;
  std::signal(SIGXFSZ, SIG_IGN);  // too large a file is an error to report, not a death
  if (Status done = drop_privileges(); !done) return fail(done.error());
  // Memory: the mapping of a header or of a whole ONNX model (2 GiB), the library's buffers, and a resolver thread.
  if (Status done = limit_resources({.file_bytes_max = rights.file_bytes_max, .memory_bytes_max = 4ULL << 30U}); !done) return fail(done.error());
  const std::vector<Fd> system = rights.network ? open_system_files() : std::vector<Fd>();
  std::vector<PathRight> paths = {{.place = rights.store, .use = PathUse::kStore}};
  if (rights.source >= 0) paths.push_back({.place = rights.source});
  for (const Fd& file : system)
    paths.push_back({.place = file.get()});
  const Result<bool> files = restrict_files(paths, {.allowed = rights.network});
  if (!files) return fail(files.error());
  if (!*files) missing.emplace_back("landlock");
  const Result<bool> calls = deny_calls({.network = rights.network, .code = rights.network, .attributes = true});
  if (!calls) return fail(calls.error());
  if (!*calls) missing.emplace_back("seccomp");
  return missing;
}

}  // namespace ebb::registry
