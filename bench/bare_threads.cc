// bare-threads: creates threads that all live at once, joins them, and prints the milliseconds from the first's creation to the last's end; a line for each
// round. Each thread sleeps for HOLD_MS.
//
//   bare-threads COUNT HOLD_MS ROUNDS
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

namespace {

// False: the first thread ended before the last had begun.
bool run(int count, std::chrono::milliseconds hold) {
  std::atomic<int> begun = 0;
  std::atomic<bool> all_at_once = true;
  std::vector<std::thread> threads;
  threads.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&] {
      ++begun;
      std::this_thread::sleep_for(hold);
      if (begun < count) all_at_once = false;
    });
  }
  for (std::thread& thread : threads)
    thread.join();
  return all_at_once;
}

}  // namespace

int main(int argc, char** argv) {
  const int count = argc == 4 ? std::atoi(argv[1]) : 0;
  if (count < 1) {
    std::fputs("bare-threads COUNT HOLD_MS ROUNDS\n", stderr);
    return 2;
  }
  for (int round = 0; round < std::atoi(argv[3]); ++round) {
    const auto begin = std::chrono::steady_clock::now();
    if (!run(count, std::chrono::milliseconds(std::atoi(argv[2])))) {
      std::fprintf(stderr, "bare-threads: %d threads were not there at once: HOLD_MS is too short\n", count);
      return 1;
    }
    std::printf("%.3f\n", std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count());
  }
}
