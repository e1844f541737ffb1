// ebb-worker-llama: a worker with the llama engine. Started by ebb-spawner with its channel as descriptor 3.
#include "engine_llama/backend.h"
#include "engine_llama/load_engine.h"
#include "sandbox/confine.h"
#include "worker/worker_loop.h"

int main() {
  ebb::engine_llama::init_backend(ebb::engine_llama::backends_directory(EBB_GGML_BACKENDS_DIR));
  // After the last library: from here on no file can be opened.
  (void)ebb::sandbox::confine();
  return ebb::worker::run_worker({.channel = ebb::Fd(3),
                                  .engine_name = "llama",
                                  .engine_version = ebb::engine_llama::library_version(),
                                  .load = ebb::engine_llama::load_engine,
                                  .needs_model = true,
                                  .seal = [] { return ebb::sandbox::seal_or_fail(); }});
}
