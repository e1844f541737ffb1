// ebb-worker-onnx-probe: the attempts of probe_worker.h in a process that is what ebb-worker-onnx is when it loads a model: with the library, what it opened
// and what it started.
#include "engine_onnx/library.h"
#include "sandbox/confine.h"
#include "sandbox/probe_worker.h"

int main() {
  ebb::engine_onnx::init_library(ebb::engine_onnx::library_path(EBB_ONNXRUNTIME));
  (void)ebb::sandbox::confine();
  return ebb::sandbox::run_probe(ebb::Fd(3));
}
