// A counter of seeds that threads draw from, and a place for each outcome.
#include "sim/hunt.h"

#include <algorithm>
#include <atomic>
#include <limits>
#include <mutex>
#include <thread>
#include <vector>

namespace ebb::sim {

namespace {

// Outcomes that are kept at once.
constexpr uint64_t kBlock = 4096;
constexpr uint64_t kTellEvery = 100;

thread_local uint64_t at_work = 0;

struct Block {
  std::vector<RunOutcome> outcomes;
  std::atomic<uint64_t> next = 0;
  std::atomic<uint64_t> failed = std::numeric_limits<uint64_t>::max();
};

void work(const HuntOptions& options, uint64_t first, Block& block, const std::function<void()>& done) {
  // Seeds after one that failed are of no interest; those before it still are.
  for (uint64_t i = block.next++; i < block.outcomes.size() && i < block.failed; i = block.next++) {
    const Plan plan = make_plan(first + i, std::chrono::minutes(options.minutes));
    at_work = first + i;
    block.outcomes[i] = run(plan, {.planted = options.planted});
    if (block.outcomes[i].broken) {
      uint64_t lowest = block.failed;
      while (i < lowest && !block.failed.compare_exchange_weak(lowest, i)) {
      }
    }
    done();
  }
}

}  // namespace

uint64_t seed_at_work() { return at_work; }

Hunt hunt(const HuntOptions& options, const std::function<void(uint64_t)>& progress) {
  Hunt hunt;
  std::mutex telling;
  uint64_t done = 0;
  const auto tell = [&] {
    const std::lock_guard lock(telling);
    if (++done % kTellEvery == 0) progress(done);
  };
  for (uint64_t begin = 0; begin < options.seeds && !hunt.failed_seed; begin += kBlock) {
    Block block{.outcomes = std::vector<RunOutcome>(std::min(kBlock, options.seeds - begin))};
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < options.jobs; ++i)
        threads.emplace_back([&] { work(options, options.first_seed + begin, block, tell); });
    }
    for (uint64_t i = 0; i < block.outcomes.size() && !hunt.failed_seed; ++i) {
      RunOutcome& outcome = block.outcomes[i];
      ++hunt.seeds;
      hunt.events += outcome.events;
      hunt.calls += outcome.calls;
      hunt.time += outcome.time;
      hunt.hash = (hunt.hash ^ outcome.hash) * 0x9e3779b97f4a7c15U + 1;
      if (!outcome.broken) continue;
      hunt.failed_seed = options.first_seed + begin + i;
      hunt.failed = std::move(outcome);
    }
  }
  return hunt;
}

}  // namespace ebb::sim
