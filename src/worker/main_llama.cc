// ebb-worker-llama: a worker with the llama engine. Started by ebb-spawner with its channel as descriptor 3.
//
// It writes to one file, that of saved prefixes, and to no other: not even to a file that the server's standard error output goes to.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "domain/prefix_limits.h"
#include "engine_llama/backend.h"
#include "engine_llama/load_engine.h"
#include "engine_llama/prefix_file.h"
#include "sandbox/confine.h"
#include "worker/worker_loop.h"

namespace {

// The limit of what a file may grow to holds for every file, so those that were inherited must go.
void leave_inherited_files() {
  for (const int descriptor : {STDOUT_FILENO, STDERR_FILENO}) {
    struct stat info {};
    if (::fstat(descriptor, &info) != 0 || !S_ISREG(info.st_mode)) continue;
    const ebb::Fd nowhere(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    if (!nowhere || ::dup2(nowhere.get(), descriptor) < 0) ::close(descriptor);
  }
}

}  // namespace

int main() {
  ebb::engine_llama::init_backend(ebb::engine_llama::backends_directory(EBB_GGML_BACKENDS_DIR));
  ebb::engine_llama::init_seals();
  leave_inherited_files();
  std::signal(SIGXFSZ, SIG_IGN);  // a write that is too long fails, and a prefix is not kept
  // After the last library: from here on no file can be opened.
  (void)ebb::sandbox::confine(ebb::domain::kPrefixFileBytesMax);
  ebb::Fd memory;  // where the server gave no file
  int written = -1;
  const auto load = [&](ebb::Fd model, const ebb::engine::LoadOptions& given, const ebb::engine::Progress& progress) {
    ebb::engine::LoadOptions options = given;
    options.prefixes_bytes_max = ebb::domain::kPrefixFileBytesMax;
    if (options.prefixes < 0) {
      memory = ebb::engine_llama::prefix_memory();
      options.prefixes = memory.get();
      options.prefixes_bytes_max = ebb::domain::kPrefixMemoryBytesMax;
    }
    written = options.prefixes;
    return ebb::engine_llama::load_engine(std::move(model), options, progress);
  };
  const auto seal = [&written] {
    const std::array writes = {
        ebb::sandbox::MoreCalls{.call = SYS_pwrite64, .condition = ebb::sandbox::MoreCalls::Condition{.argument = 0, .value = static_cast<uint64_t>(written)}}};
    return written < 0 ? ebb::sandbox::seal_or_fail() : ebb::sandbox::seal_and_or_fail(writes);
  };
  return ebb::worker::run_worker(
      {.channel = ebb::Fd(3), .engine_name = "llama", .engine_version = ebb::engine_llama::library_version(), .load = load, .needs_model = true, .seal = seal});
}
