// ebb-container-end ID [now]: ends what is left of the containers with this id, or whose id begins with it and '-'. Started by ebb-spawner when a
// container worker has ended, however it did: a frozen container cannot end by itself. Without "now" it watches for a while for what may still come.
#include <fmt/format.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "container/lifetime.h"

int main(int argc, char** argv) {
  constexpr ebb::milliseconds kPatience{10'000};
  constexpr ebb::milliseconds kWatch{2'000};
  const bool now = argc == 3 && std::string_view(argv[2]) == "now";
  const ebb::Status ended = now         ? ebb::container::end_containers(argv[1], kPatience)
                            : argc == 2 ? ebb::container::end_containers_that_may_come(argv[1], kPatience, kWatch)
                                        : ebb::fail(ebb::ErrorKind::kInvalid, "ebb-container-end is started by ebb-spawner, not by hand");
  if (ended) return 0;
  const std::string line = ended.error().message + "\n";
  (void)!::write(STDERR_FILENO, line.data(), line.size());
  return 1;
}
