// ebb-worker-container: a worker that owns one instance of a container function. Started by ebb-spawner with its channel as descriptor 3.
// `ebb-worker-container describe` says which container runtime it would use, or why there is none, and ends.
#include <fmt/format.h>

#include "container/runtime.h"
#include "container/seal_worker.h"
#include "function/sandboxed_instance.h"
#include "function/worker.h"
#include "io/clock.h"

int main(int count, char** arguments) {
  const ebb::io::SystemClock clock;
  // The spawner's: by it, it ends what a killed worker leaves.
  const std::string id = count > 1 ? arguments[1] : "";
  const ebb::Result<ebb::container::Runtime> runtime = ebb::container::detect_runtime();
  if (id == "describe") {
    fmt::print("{}\n", runtime ? runtime->text() : "none: " + runtime.error().message);
    return 0;
  }
  return ebb::function::run_function_worker(
      {.channel = ebb::Fd(3),
       .version = runtime ? runtime->version : "",
       .sandbox_id = id,
       .prepare = [&runtime](const ebb::domain::FunctionStart& start) -> ebb::Result<std::unique_ptr<ebb::function::Instance>> {
         if (!runtime) return ebb::fail(runtime.error());
         return ebb::function::prepare_sandboxed(start, *runtime);
       },
       .seal = ebb::container::seal_container_worker,
       .clock = clock});
}
