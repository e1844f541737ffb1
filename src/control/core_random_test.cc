// A random world: whatever happens in whatever order, the invariants hold after every event, and in the end each accepted call has
// exactly one record, and the records of workers that lived add up to their busy time.
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "control/world_for_test.h"

namespace ebb::control {
namespace {

class RandomWorld {
 public:
  explicit RandomWorld(uint64_t seed) : random_(seed) {
    for (const char* name : {"a", "b", "c", "d"})
      world_.deploy(name, scaling(), {.queue = 20, .wait = milliseconds(3'000), .time = milliseconds(4'000)});
    for (const char* name : {"f", "g"})
      world_.deploy_function(name, static_cast<int>(1 + pick(3)), scaling(), {.queue = 20, .wait = milliseconds(3'000), .time = milliseconds(4'000)});
  }

  void run(int events) {
    for (int i = 0; i < events && !::testing::Test::HasFatalFailure(); ++i)
      one_event();
  }

  // Lets everything come to its end.
  void finish() {
    world_.feed(DrainRequested{});
    for (int i = 0; i < 10'000 && !world_.drained; ++i) {
      answer_workers();
      if (!world_.running.empty()) end_call(world_.running.begin()->first);
      world_.pass(milliseconds(50));
    }
    EXPECT_TRUE(world_.drained);
    EXPECT_EQ(world_.records.size(), world_.accepted.size());
    for (const auto& [id, worker] : world_.state.workers)
      world_.expect_bills_add_up(id);
    for (const CallId id : world_.accepted)
      EXPECT_TRUE(world_.records.contains(id));
  }

 private:
  uint64_t pick(uint64_t n) { return random_() % n; }
  domain::Scaling scaling() {
    return {.min = static_cast<int>(pick(2)), .max = static_cast<int>(1 + pick(8)), .idle = milliseconds(500), .keep = milliseconds(1'500)};
  }

  WorkerId any_worker() {
    return world_.state.workers.empty() ? WorkerId{} : std::next(world_.state.workers.begin(), static_cast<long>(pick(world_.state.workers.size())))->first;
  }
  CallId any_call() {
    return world_.state.calls.empty() ? CallId{} : std::next(world_.state.calls.begin(), static_cast<long>(pick(world_.state.calls.size())))->first;
  }

  // A worker does what it was told, or what it feels like.
  void answer(WorkerId id) {
    const auto found = world_.state.workers.find(id);
    if (found == world_.state.workers.end()) return;
    const WorkerState worker = found->second;
    if (worker.killed) return world_.die(id, "killed");
    if (worker.resizing) return world_.ready(id, pick(4) == 0 ? worker.slots : worker.resize_to);
    if (worker.phase == WorkerPhase::kParking) return world_.feed(WorkerParked{id});
    if (worker.phase == WorkerPhase::kStarting || worker.phase == WorkerPhase::kWaking)
      world_.ready(id, pick(10) == 0 ? static_cast<int>(pick(40)) - 4 : worker.slots);
  }
  void answer_workers() {
    std::vector<WorkerId> workers;
    for (const auto& [id, worker] : world_.state.workers)
      workers.push_back(id);
    for (const WorkerId id : workers)
      answer(id);
  }
  void end_call(CallId id) { world_.finish(id, pick(10) == 0 ? domain::Outcome::kRefused : domain::Outcome::kOk); }

  void one_event() {
    const std::string endpoint(1, static_cast<char>('a' + pick(7)));  // 'e' does not exist
    switch (pick(16)) {
      case 0:
      case 1:
      case 2: world_.call(endpoint, pick(5) == 0 ? world_.now + milliseconds(pick(2'000)) : MonoTime::max()); break;
      case 3:
      case 4:
      case 5: answer(any_worker()); break;
      case 6:
      case 7:
        if (!world_.running.empty()) end_call(std::next(world_.running.begin(), static_cast<long>(pick(world_.running.size())))->first);
        break;
      case 8: world_.feed(CallLeft{any_call()}); break;
      case 9: world_.feed(CallFirstText{any_call()}); break;
      case 10:
        if (pick(6) == 0 && any_worker()) world_.die(any_worker(), "signal 9", pick(4) == 0 ? std::optional(Error{.message = "does not load"}) : std::nullopt);
        break;
      case 11: read_memory(); break;
      case 12:
        if (pick(40) == 0) world_.deploy(std::string(1, static_cast<char>('a' + pick(4))), scaling(), {.queue = 20, .wait = milliseconds(3'000)});
        break;
      case 13:
        if (pick(60) == 0) world_.feed(EndpointRemoved{endpoint});
        if (pick(60) == 0) world_.feed(StoreWritable{.writable = pick(3) != 0, .why = "disk full"});
        break;
      case 14: world_.feed(WorkerProgress{any_worker()}); break;
      default: world_.pass(microseconds(pick(200'000))); break;
    }
  }

  void read_memory() {
    Readings readings{
        .cores_busy_elsewhere = static_cast<double>(pick(20)) / 10, .node_available_bytes = (pick(8) == 0 ? 100ULL : 8000ULL) << 20U, .workers = {}};
    for (const auto& [id, worker] : world_.state.workers)
      readings.workers.push_back({.worker = id, .pss_bytes = (50 + pick(400)) << 20U});
    world_.feed(readings);
  }

  World world_{{.memory_limit_bytes = 900ULL << 20U, .memory_reserve_bytes = 256ULL << 20U, .cores = 2, .first_worker_id = 1}};
  std::mt19937_64 random_;
};

TEST(CoreRandom, InvariantsHoldWhateverHappens) {
  const char* given = std::getenv("EBB_SEED");
  const uint64_t first = given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
  for (uint64_t seed = first; seed < first + (given != nullptr ? 1 : 40); ++seed) {
    SCOPED_TRACE(testing::Message() << "repeat with EBB_SEED=" << seed);
    RandomWorld world(seed);
    world.run(5'000);
    if (!HasFailure()) world.finish();
    if (HasFailure()) break;
  }
}

}  // namespace
}  // namespace ebb::control
