// ebb-container-end ID: ends what is left of the containers with this id, or whose id begins with it and '-'. Started by ebb-spawner when a
// container worker has ended, however it did: a frozen container cannot end by itself.
#include <fmt/format.h>
#include <unistd.h>

#include <string>

#include "container/lifetime.h"

int main(int argc, char** argv) {
  constexpr ebb::milliseconds kPatience{10'000};
  const ebb::Status ended = argc == 2 ? ebb::container::end_containers(argv[1], kPatience)
                                      : ebb::fail(ebb::ErrorKind::kInvalid, "ebb-container-end is started by ebb-spawner, not by hand");
  if (ended) return 0;
  const std::string line = ended.error().message + "\n";
  (void)!::write(STDERR_FILENO, line.data(), line.size());
  return 1;
}
