// One argument, one line of output.
#include "worker/prepare_program.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <string_view>

#include "base/fd.h"
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

namespace {

// It can be done again: when memory is short it goes before anything else. What the kernel refuses here is no harm.
void go_first() {
  const Fd file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  constexpr std::string_view kMost = "1000";
  [[maybe_unused]] const ssize_t written = file ? ::write(file.get(), kMost.data(), kMost.size()) : 0;
}

}  // namespace

Status confine_preparation(uint64_t written_bytes_max) {
  go_first();
  (void)sandbox::confine(written_bytes_max);
  const rlimit time{.rlim_cur = domain::kPrepareCpuSecondsMax, .rlim_max = domain::kPrepareCpuSecondsMax};
  if (::setrlimit(RLIMIT_CPU, &time) != 0) return fail(errno_error("a limit for time", errno));
  return {};
}

}  // namespace ebb::worker
