// One argument, one line of output.
#include "worker/prepare_program.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdio>
#include <string_view>

#include "base/json.h"
#include "base/utf8.h"
#include "domain/limits.h"
#include "sandbox/confine.h"

namespace ebb::worker {

int run_prepare_program(int count, char** arguments, const PrepareProgram& program) {
  if (count > 1 && std::string_view(arguments[1]) == "--key") {
    fmt::print("{}\n", program.key());
    return 0;
  }
  const Result<uint64_t> bytes = program.prepare();
  const json::value said = bytes ? json::value{{"bytes", *bytes}} : json::value{{"error", replace_invalid_utf8(bytes.error().message)}};
  fmt::print("{}\n", json::serialize(said));
  return bytes ? 0 : 1;
}

Status confine_preparation(uint64_t written_bytes_max) {
  (void)sandbox::confine(written_bytes_max);
  const rlimit time{.rlim_cur = domain::kPrepareCpuSecondsMax, .rlim_max = domain::kPrepareCpuSecondsMax};
  if (::setrlimit(RLIMIT_CPU, &time) != 0) return fail(errno_error("a limit for time", errno));
  return {};
}

}  // namespace ebb::worker
