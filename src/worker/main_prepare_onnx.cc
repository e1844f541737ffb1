// ebb-prepare-onnx: makes of a model's package what a worker on this machine starts from in a fraction of the time, once, when the model is added.
//
//   ebb-prepare-onnx         descriptor 3: the package, read-only; descriptor 4: an empty file to write to. Prints one line of JSON:
//                            {"bytes": N} and ends with 0, or {"error": "…"} and ends with 1
//   ebb-prepare-onnx --key   prints what the result depends on besides the package; look for what was prepared under it
//
// It reads a stranger's file, so it is confined as a worker is while it loads, but for the one file that it writes.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdio>
#include <string_view>

#include "base/fd.h"
#include "base/json.h"
#include "domain/limits.h"
#include "engine_onnx/library.h"
#include "engine_onnx/mapping.h"
#include "engine_onnx/preparation.h"
#include "sandbox/confine.h"

namespace ebb {
namespace {

constexpr int kPackage = 3;
constexpr int kPrepared = 4;
// The library's format holds no more than that, and neither do we.
constexpr uint64_t kWrittenBytesMax = uint64_t{4} << 30U;

Result<uint64_t> prepare_package() {
  // The library writes to a path. This one leads to memory and not to the file system, which is out of reach.
  const Fd scratch(::memfd_create("prepared", MFD_CLOEXEC));
  if (!scratch) return fail(errno_error("memory for the prepared model", errno));
  (void)sandbox::confine(kWrittenBytesMax);
  const rlimit time{.rlim_cur = domain::kPrepareCpuSecondsMax, .rlim_max = domain::kPrepareCpuSecondsMax};
  if (::setrlimit(RLIMIT_CPU, &time) != 0) return fail(errno_error("a limit for time", errno));
  const Result<engine_onnx::Mapping> package = engine_onnx::Mapping::of(kPackage);
  if (!package) return fail(package.error());
  return engine_onnx::prepare(package->bytes(), fmt::format("/proc/self/fd/{}", scratch.get()), kPrepared);
}

int run(std::string_view argument) {
  engine_onnx::init_library(engine_onnx::library_path(EBB_ONNXRUNTIME));
  if (argument == "--key") {
    fmt::print("{}\n", engine_onnx::preparation_key());
    return 0;
  }
  const Result<uint64_t> bytes = prepare_package();
  if (bytes) {
    fmt::print("{}\n", json::serialize(json::value{{"bytes", *bytes}}));
  } else {
    fmt::print("{}\n", json::serialize(json::value{{"error", bytes.error().message}}));
  }
  return bytes ? 0 : 1;
}

}  // namespace
}  // namespace ebb

int main(int count, char** arguments) { return ebb::run(count > 1 ? arguments[1] : ""); }
