// ebb-worker-onnx: a worker with the engine of ONNX models. Started by ebb-spawner with its channel as descriptor 3.
#include "engine_onnx/library.h"
#include "engine_onnx/onnx_engine.h"
#include "sandbox/confine.h"
#include "worker/worker_loop.h"

int main() {
  ebb::engine_onnx::init_library(ebb::engine_onnx::library_path(EBB_ONNXRUNTIME));
  // After the last library: from here on no file can be opened.
  (void)ebb::sandbox::confine();
  return ebb::worker::run_worker({.channel = ebb::Fd(3),
                                  .engine_name = "onnx",
                                  .engine_version = "ONNX Runtime " + ebb::engine_onnx::library_version(),
                                  .load = ebb::engine_onnx::load_engine,
                                  .needs_model = true,
                                  .seal = ebb::sandbox::seal_or_fail});
}
