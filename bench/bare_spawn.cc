// bare-spawn: starts a program, waits for its end, and prints the milliseconds that each took.
//
//   bare-spawn COUNT PROGRAM [ARGUMENT…]
#include <spawn.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
  const int count = argc > 2 ? std::atoi(argv[1]) : 0;
  if (count < 1) {
    std::fputs("bare-spawn COUNT PROGRAM [ARGUMENT…]\n", stderr);
    return 2;
  }
  for (int i = 0; i < count; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    pid_t child = 0;
    int status = 0;
    if (::posix_spawnp(&child, argv[2], nullptr, nullptr, argv + 2, environ) != 0 || ::waitpid(child, &status, 0) != child || status != 0) {
      std::fprintf(stderr, "bare-spawn: %s failed\n", argv[2]);
      return 1;
    }
    std::printf("%.3f\n", std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
}
