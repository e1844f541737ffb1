// ebb-prepare-onnx: has the library optimise a model in ONNX, and writes what a worker starts from in a fraction of the time (worker/prepare_program.h).
#include <fmt/format.h>
#include <sys/mman.h>

#include <cerrno>

#include "base/fd.h"
#include "engine_onnx/library.h"
#include "engine_onnx/mapping.h"
#include "engine_onnx/preparation.h"
#include "worker/prepare_program.h"

namespace ebb {
namespace {

// The library's format holds no more than that, and neither do we.
constexpr uint64_t kWrittenBytesMax = uint64_t{4} << 30U;

Result<uint64_t> prepare_package() {
  // The library writes to a path. This one leads to memory and not to the file system, which is out of reach.
  const Fd scratch(::memfd_create("prepared", MFD_CLOEXEC));
  if (!scratch) return fail(errno_error("memory for the prepared model", errno));
  if (const Status confined = worker::confine_preparation(kWrittenBytesMax); !confined) return fail(confined.error());
  const Result<engine_onnx::Mapping> package = engine_onnx::Mapping::of(worker::kModelToPrepare);
  if (!package) return fail(package.error());
  return engine_onnx::prepare(package->bytes(), fmt::format("/proc/self/fd/{}", scratch.get()), worker::kPreparedFile);
}

}  // namespace
}  // namespace ebb

int main(int count, char** arguments) {
  ebb::engine_onnx::init_library(ebb::engine_onnx::library_path(EBB_ONNXRUNTIME));
  return ebb::worker::run_prepare_program(count, arguments, {.key = ebb::engine_onnx::preparation_key, .prepare = ebb::prepare_package});
}
