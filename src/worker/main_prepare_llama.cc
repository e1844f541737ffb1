// ebb-prepare-llama: has the library lay the weights of a GGUF model out anew for this processor, and writes them to a file that workers map
// (worker/prepare_program.h).
#include <sys/stat.h>

#include <cerrno>

#include "base/fd.h"
#include "engine_llama/backend.h"
#include "engine_llama/layout_preparation.h"
#include "engine_llama/weight_layout.h"
#include "worker/prepare_program.h"

namespace ebb {
namespace {

// Layouts take about what they are made of; some kernels fill rows up.
Result<uint64_t> prepare_model() {
  struct stat info {};
  if (::fstat(worker::kModelToPrepare, &info) != 0) return fail(errno_error("looking at the model", errno));
  constexpr uint64_t kSmallBytes = uint64_t{64} << 20U;
  if (const Status confined = worker::confine_preparation(kSmallBytes + 2 * static_cast<uint64_t>(info.st_size)); !confined) return fail(confined.error());
  return engine_llama::prepare_layout(Fd(worker::kModelToPrepare), worker::kPreparedFile);
}

}  // namespace
}  // namespace ebb

int main(int count, char** arguments) {
  ebb::engine_llama::init_backend(ebb::engine_llama::backends_directory(EBB_GGML_BACKENDS_DIR));
  return ebb::worker::run_prepare_program(count, arguments, {.key = ebb::engine_llama::layout_key, .prepare = ebb::prepare_model});
}
