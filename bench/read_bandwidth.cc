// read-bandwidth: how fast the memory is read, for bench/decode-1.py: threads stream over a buffer again and again, each over its own part.
// Prints the median of the passes as JSON.
//
//   read-bandwidth BYTES THREADS SECONDS
//
// A buffer as large as a model is read as generation reads the model: what of it stays in a cache from one token to the next stays in one here too.
#include <sys/mman.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Lane = uint64_t __attribute__((vector_size(32)));
constexpr size_t kLanes = 8;  // sums side by side, so that no addition waits for another

Lane* buffer_of(size_t bytes) {
  void* const memory = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  (void)::madvise(memory, bytes, MADV_HUGEPAGE);  // the memory is measured, not the translation of addresses
  std::memset(memory, 1, bytes);
  return static_cast<Lane*>(memory);
}

__attribute__((target_clones("avx2", "default"))) uint64_t sum(const Lane* begin, const Lane* end) {
  Lane sums[kLanes] = {};
  for (const Lane* at = begin; at + kLanes <= end; at += kLanes) {
    for (size_t i = 0; i < kLanes; ++i)
      sums[i] += at[i];
  }
  uint64_t total = 0;
  for (const Lane& lane : sums)
    total += lane[0] + lane[1] + lane[2] + lane[3];
  return total;
}

// Seconds of each pass, from the moment in which all threads were ready until the last was done.
std::vector<double> passes(std::span<const Lane> buffer, int threads, double seconds) {
  std::vector<double> took;
  uint64_t found = 0;
  std::vector<uint64_t> sums(static_cast<size_t>(threads));
  bool enough = false;
  Clock::time_point begun;
  const Clock::time_point until = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  const auto between = [&, reading = false]() mutable noexcept {
    const Clock::time_point now = Clock::now();
    if (reading) took.push_back(std::chrono::duration<double>(now - begun).count());
    if (reading) enough = now > until;
    reading = !reading;
    begun = Clock::now();
  };
  std::barrier barrier(threads, between);
  const auto read = [&](size_t index) {
    const size_t part = buffer.size() / static_cast<size_t>(threads);
    const Lane* const begin = buffer.data() + index * part;
    while (!enough) {
      barrier.arrive_and_wait();
      sums[index] += sum(begin, begin + part);
      barrier.arrive_and_wait();
    }
  };
  std::vector<std::jthread> others;
  for (size_t index = 1; index < static_cast<size_t>(threads); ++index)
    others.emplace_back(read, index);
  read(0);
  others.clear();
  for (const uint64_t one : sums)
    found += one;
  if (found == 0) std::fputs("read-bandwidth: nothing was read\n", stderr);  // else the reading could be left out
  return took;
}

}  // namespace

int main(int argc, char** argv) {
  const size_t bytes = argc == 4 ? std::strtoull(argv[1], nullptr, 10) : 0;
  const int threads = argc == 4 ? std::atoi(argv[2]) : 0;
  const double seconds = argc == 4 ? std::strtod(argv[3], nullptr) : 0;
  Lane* const memory = bytes >= sizeof(Lane) * kLanes && threads > 0 && seconds > 0 ? buffer_of(bytes) : nullptr;
  if (memory == nullptr) {
    std::fputs("read-bandwidth BYTES THREADS SECONDS\n", stderr);
    return 2;
  }
  std::vector<double> took = passes({memory, bytes / sizeof(Lane)}, threads, seconds);
  std::nth_element(took.begin(), took.begin() + static_cast<std::ptrdiff_t>(took.size() / 2), took.end());
  std::printf("{\"bytes_per_s\": %.0f, \"passes\": %zu}\n", static_cast<double>(bytes) / took[took.size() / 2], took.size());
  return 0;
}
