// Whose turn it is: classes, tenants, and the bound of the virtual token counter.
#include "control/wait_queue.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

namespace ebb::control {
namespace {

using enum domain::Priority;

std::vector<uint64_t> drain(WaitQueue& queue) {
  std::vector<uint64_t> order;
  while (!queue.empty())
    order.push_back(queue.take().call.value);
  return order;
}

TEST(WaitQueue, HigherClassesComeFirstAndEachInItsOrder) {
  WaitQueue queue;
  queue.push(kBatch, "", CallId{1});
  queue.push(kNormal, "", CallId{2});
  queue.push(kCritical, "", CallId{3});
  queue.push(kNormal, "", CallId{4});
  queue.push_front(kNormal, "", CallId{5});
  EXPECT_EQ(queue.before(kCritical), 1U);
  EXPECT_EQ(queue.before(kNormal), 4U);
  EXPECT_EQ(queue.before(kBatch), 5U);
  EXPECT_EQ(drain(queue), (std::vector<uint64_t>{3, 5, 2, 4, 1}));
}

TEST(WaitQueue, CountersBeginAnewOnceAllIsOverAndCostsAreRemembered) {
  WaitQueue queue;
  queue.push(kNormal, "a", CallId{1});
  queue.push(kBatch, "b", CallId{2});
  queue.settle(kNormal, "a", queue.take().charged, 10);
  queue.erase(kBatch, "b", CallId{2});
  EXPECT_TRUE(queue.empty());
  queue.push(kNormal, "a", CallId{3});
  EXPECT_EQ(queue.take().charged, 10);
  queue.push(kNormal, "c", CallId{4});
  EXPECT_EQ(queue.take().charged, 10) << "of whom nothing is known, as the others of its class";
}

// Calls with costs that nobody knows before, in so many slots, while both tenants always have some waiting.
struct Backlog {
  WaitQueue queue;
  std::map<std::string, int64_t> done;  // service that was given
  std::map<std::string, std::pair<int, int>> costs;
  std::mt19937 random{7};
  uint64_t next = 1;
  std::map<CallId, std::string> owner;
  struct Running {
    CallId call;
    int64_t charged;
    int64_t cost;
  };
  std::vector<Running> running;

  void arrive(const std::string& tenant) {
    owner[CallId{next}] = tenant;
    queue.push(kNormal, tenant, CallId{next++});
  }
  void begin() {
    const auto taken = queue.take();
    const auto [least, most] = costs[owner[taken.call]];
    running.push_back({taken.call, taken.charged, std::uniform_int_distribution<int>(least, most)(random)});
  }
  void end(size_t index) {
    const Running ended = running[index];
    running.erase(running.begin() + static_cast<ptrdiff_t>(index));
    const std::string& tenant = owner[ended.call];
    done[tenant] += ended.cost;
    queue.settle(kNormal, tenant, ended.charged, ended.cost);
  }
};

TEST(WaitQueue, BackloggedTenantsAreServedAlikeWhateverTheirCallsCost) {
  Backlog world;
  world.costs = {{"heavy", {500, 1'000}}, {"light", {5, 20}}, {"mixed", {1, 1'000}}};
  constexpr size_t kSlots = 8;
  constexpr int64_t kBound = 2 * int64_t{kSlots} * 1'000;  // what may run at once, twice
  for (int i = 0; i < 40; ++i)
    for (const char* tenant : {"heavy", "light", "mixed"})
      world.arrive(tenant);
  int64_t worst = 0;
  for (int step = 0; step < 20'000; ++step) {
    while (world.running.size() < kSlots)
      world.begin();
    const size_t index = world.random() % world.running.size();
    const std::string tenant = world.owner[world.running[index].call];
    world.end(index);
    world.arrive(tenant);
    for (const auto& [a, served] : world.done)
      for (const auto& [b, other] : world.done)
        worst = std::max(worst, std::abs(served - other));
  }
  EXPECT_LE(worst, kBound);
  EXPECT_GT(world.done["light"], 100'000) << "the test gave them something to do";
}

TEST(WaitQueue, NobodyTakesAllSlotsBeforeItIsKnownWhatItsCallsTake) {
  WaitQueue queue;
  for (uint64_t call = 1; call <= 8; ++call)
    queue.push(kNormal, "early", CallId{call});
  for (uint64_t call = 11; call <= 18; ++call)
    queue.push(kNormal, "late", CallId{call});
  EXPECT_EQ(queue.take().call, CallId{1});
  const auto short_one = queue.take();
  EXPECT_EQ(short_one.call, CallId{11});
  queue.settle(kNormal, "late", short_one.charged, 10);
  EXPECT_EQ(queue.take().call, CallId{12}) << "the other's first call runs still";
  EXPECT_EQ(queue.take().call, CallId{13});
  queue.settle(kNormal, "early", 0, 15);
  EXPECT_EQ(queue.take().call, CallId{2}) << "it has had 15, and the other was charged with 30";
}

TEST(WaitQueue, WhoWasAwayHasNoClaims) {
  WaitQueue queue;
  uint64_t next = 1;
  for (int i = 0; i < 100; ++i) {  // one alone, for long
    queue.push(kNormal, "there", CallId{next++});
    queue.push(kNormal, "there", CallId{next++});
    const auto taken = queue.take();
    queue.settle(kNormal, "there", taken.charged, 100);
  }
  for (uint64_t call = 1'000; call < 1'100; ++call)
    queue.push(kNormal, "back", CallId{call});
  int back = 0;
  for (int i = 0; i < 20; ++i) {
    const auto taken = queue.take();
    back += taken.call.value >= 1'000 ? 1 : 0;
    queue.settle(kNormal, taken.call.value >= 1'000 ? "back" : "there", taken.charged, 100);
  }
  EXPECT_NEAR(back, 10, 1) << "from now on half and half, not all for the one that had nothing";
}

TEST(WaitQueue, RoomIsMadeByTheLowestClassAndTheLongestLine) {
  struct Row {
    const char* name;
    std::vector<std::tuple<domain::Priority, const char*, uint64_t>> waiting;
    domain::Priority priority;
    const char* tenant;
    uint64_t displaced;  // 0: nobody
  };
  const Row rows[] = {
      {"nobody waits", {}, kCritical, "a", 0},
      {"the last of a lower class", {{kNormal, "a", 1}, {kBatch, "a", 2}, {kBatch, "a", 3}}, kNormal, "a", 3},
      {"of the longest line", {{kBatch, "b", 1}, {kBatch, "a", 2}, {kBatch, "a", 3}, {kBatch, "b", 4}, {kBatch, "a", 5}}, kCritical, "b", 5},
      {"never of a higher class", {{kCritical, "a", 1}, {kNormal, "a", 2}}, kBatch, "b", 0},
      {"of its own, whoever has two more", {{kNormal, "a", 1}, {kNormal, "a", 2}}, kNormal, "b", 2},
      {"and not one more", {{kNormal, "a", 1}, {kNormal, "a", 2}, {kNormal, "b", 3}}, kNormal, "b", 0},
      {"never its own", {{kNormal, "a", 1}, {kNormal, "a", 2}}, kNormal, "a", 0},
  };
  for (const Row& row : rows) {
    WaitQueue queue;
    for (const auto& [priority, tenant, call] : row.waiting)
      queue.push(priority, tenant, CallId{call});
    EXPECT_EQ(queue.displaced_by(row.priority, row.tenant).value_or(CallId{}).value, row.displaced) << row.name;
  }
}

TEST(ServiceOf, CountsTokensOrElseTime) {
  EXPECT_EQ(service_of(100, 50, seconds(1)), 200);
  EXPECT_EQ(service_of(0, 0, microseconds(1'200'001)), 1'201);
}

}  // namespace
}  // namespace ebb::control
