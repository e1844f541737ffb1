// ebb-worker-echo: a worker with the echo engine, for tests and benchmarks. Started by ebb-spawner with its channel as descriptor 3.
#include "engine/echo_engine.h"
#include "io/clock.h"
#include "sandbox/confine.h"
#include "worker/worker_loop.h"

int main() {
  const ebb::io::SystemClock clock;
  (void)ebb::sandbox::confine();
  return ebb::worker::run_worker(
      {.channel = ebb::Fd(3), .engine_name = "echo", .engine_version = "1", .load = ebb::engine::echo_loader(clock), .needs_model = false, .seal = [] {
         return ebb::sandbox::seal_or_fail();
       }});
}
