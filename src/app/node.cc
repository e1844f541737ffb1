// The machine, measured once at the start.
#include "app/node.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <thread>

#include "instance/memory.h"

namespace ebb::app {

std::string container_ids_of(const std::filesystem::path& home) {
  struct stat about {};
  return ::stat(home.c_str(), &about) == 0 ? fmt::format("ebb-{:x}-{:x}", about.st_dev, about.st_ino) : std::string();
}

control::NodeConfig node_of(const ServeOptions& options) {
  const uint64_t machine = instance::node_memory_bytes();
  const auto cores = std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  return {.memory_limit_bytes = options.memory_mib ? static_cast<uint64_t>(*options.memory_mib) << 20U : machine / 10 * 9,
          .memory_reserve_bytes = std::min<uint64_t>(256ULL << 20U, machine / 20),
          .cores = std::min(options.cores.value_or(cores), cores),
          .prices = options.prices};
}

}  // namespace ebb::app
