// bare-queue: events a second of a simulation that does nothing: takes the first of a priority queue and puts one in, later by a time drawn by chance.
// Events are as large as those of ebb-sim, and so many are due as there are in its worlds in the mean. Prints events and the CPU seconds that they took.
//
//   bare-queue EVENTS
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <queue>
#include <vector>

namespace {

constexpr int kDue = 30;

struct Event {
  int64_t at = 0;
  uint64_t sequence = 0;
  uint64_t subject = 0;
  int64_t more = 0;
  uint32_t seat = 0;
  uint32_t generation = 0;
  int32_t number = 0;
  uint8_t kind = 0;
};

struct Later {
  bool operator()(const Event& a, const Event& b) const { return a.at != b.at ? a.at > b.at : a.sequence > b.sequence; }
};

// xorshift64
uint64_t chance(uint64_t& state) {
  state ^= state << 13U;
  state ^= state >> 7U;
  return state ^= state << 17U;
}

}  // namespace

int main(int argc, char** argv) {
  const uint64_t events = argc == 2 ? std::strtoull(argv[1], nullptr, 10) : 0;
  if (events == 0) {
    std::fputs("bare-queue EVENTS\n", stderr);
    return 2;
  }
  std::priority_queue<Event, std::vector<Event>, Later> queue;
  uint64_t state = 88'172'645'463'325'252;
  uint64_t sequence = 0;
  while (sequence < kDue) {
    queue.push({.at = static_cast<int64_t>(chance(state) % 1'000'000'000), .sequence = sequence, .subject = sequence});
    ++sequence;
  }
  uint64_t sum = 0;  // of what was taken out, so that nothing is left out
  const std::clock_t begun = std::clock();
  for (uint64_t i = 0; i < events; ++i) {
    Event event = queue.top();
    queue.pop();
    sum += event.subject;
    event.at += static_cast<int64_t>(chance(state) % 1'000'000'000);
    event.sequence = sequence++;
    queue.push(event);
  }
  const double seconds = static_cast<double>(std::clock() - begun) / CLOCKS_PER_SEC;
  std::printf("{\"events\": %llu, \"cpu_s\": %.6f, \"sum\": %llu}\n", static_cast<unsigned long long>(events), seconds, static_cast<unsigned long long>(sum));
}
