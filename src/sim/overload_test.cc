// Ten times the load for a while, from clients that try again: as much is done as before, those who are refused are told at once, and when it is over it is
// over.
#include <gtest/gtest.h>

#include <map>

#include "sim/node.h"
#include "sim/random.h"
#include "sim/steady_behaviour.h"

namespace ebb::sim {
namespace {

constexpr int kSlots = 4;
constexpr milliseconds kService{200};
constexpr double kPerSecond = kSlots / 0.2;  // what it can do
constexpr MonoTime kBegin{seconds(1000)};
constexpr seconds kBurstAt{30};
constexpr seconds kBurstEnds{60};
constexpr seconds kEnd{90};

// Calls come evenly; a refused one comes again after as long as it was told, twice.
class Crowd : public SteadyBehaviour, public Observer {
 public:
  explicit Crowd(std::optional<milliseconds> deadline)
      : SteadyBehaviour({.start = milliseconds(50), .call = kService}), deadline_(deadline), node_(options(), *this, this) {
    node_.feed(control::RevisionDeployed{revision()});
    node_.tag_at(kBegin, 0);
    EXPECT_TRUE(node_.run_until(kBegin + kEnd + seconds(40)));
  }

  struct Done {
    nanoseconds at;  // when it came, since the beginning
    nanoseconds took;
  };
  std::vector<Done> done;
  int refused_at_once = 0;
  int refused_later = 0;  // a queue was longer than was thought, or the answer

  // From half of it to half as much again, in an order that looks like chance.
  CallCourse run(const control::Dispatch& dispatch) override {
    return {.first_text = milliseconds(20), .ends = kService / 2 + kService * static_cast<int64_t>(mix(dispatch.call.value) % 1'000) / 1'000};
  }
  void reached(Node& node, uint64_t tag) override {
    if (tag == 0) {
      const nanoseconds since = node.now() - kBegin;
      const bool burst = since >= kBurstAt && since < kBurstEnds;
      if (since < kEnd) node.tag_at(node.now() + nanoseconds(static_cast<int64_t>(1e9 / (kPerSecond * (burst ? 10 : 0.5)))), 0);
    }
    come(static_cast<int>(tag % 4));
  }
  void recorded(MonoTime now, const domain::UsageRecord& record) override {
    if (record.outcome == domain::Outcome::kOk) done.push_back({.at = now - kBegin - record.total, .took = record.total});
  }
  void refused(MonoTime now, CallId call, const Error& error) override {
    ++(now == came_.at(call) ? refused_at_once : refused_later);
    const int tries = tries_.at(call);
    if (tries < 2) node_.tag_at(now + std::max<nanoseconds>(error.retry_after, milliseconds(100)), static_cast<uint64_t>(4 * next_tag_++ + tries + 1));
  }

  // Calls that were done, and came between the two times.
  double done_per_second(seconds from, seconds to) const {
    return static_cast<double>(std::ranges::count_if(done, [&](const Done& one) { return one.at + one.took >= from && one.at + one.took < to; })) /
           static_cast<double>((to - from).count());
  }
  nanoseconds longest(seconds from, seconds to) const {
    nanoseconds most{0};
    for (const Done& one : done)
      if (one.at >= from && one.at < to) most = std::max(most, one.took);
    return most;
  }

 private:
  static NodeOptions options() { return {.config = {.memory_limit_bytes = 4ULL << 30U, .cores = 2}, .begin = kBegin}; }
  static domain::Revision revision() {
    domain::EndpointSpec spec{.name = "e", .engine = domain::Engine::kEcho, .scaling = {.max = kSlots}};
    return *domain::make_revision(RevisionId{1}, std::move(spec), std::nullopt, WallTime{});
  }
  void come(int tries) {
    const CallId id = node_.next_call();
    came_[id] = node_.now();
    tries_[id] = tries;
    node_.arrive("e", deadline_ ? node_.now() + *deadline_ : MonoTime::max());
  }

  std::optional<milliseconds> deadline_;
  std::map<CallId, MonoTime> came_;
  std::map<CallId, int> tries_;
  int next_tag_ = 1;
  Node node_;
};

TEST(Overload, AsMuchIsDoneUnderTenTimesTheLoad) {
  for (const std::optional<milliseconds> deadline : {std::optional<milliseconds>(), std::optional(milliseconds(1'000))}) {
    const Crowd crowd(deadline);
    EXPECT_GE(crowd.done_per_second(kBurstAt + seconds(2), kBurstEnds), 0.92 * kPerSecond) << "with a deadline: " << deadline.has_value();
  }
}

TEST(Overload, WhenTheBurstIsOverItIsOver) {
  for (const std::optional<milliseconds> deadline : {std::optional<milliseconds>(), std::optional(milliseconds(1'000))}) {
    const Crowd crowd(deadline);
    EXPECT_LE(crowd.longest(seconds(5), kBurstAt), 4 * kService);
    EXPECT_LE(crowd.longest(kBurstEnds + seconds(5), kEnd), 4 * kService) << "with a deadline: " << deadline.has_value();
  }
}

TEST(Overload, WhoIsRefusedIsToldAtOnce) {
  const Crowd crowd{milliseconds(1'000)};
  EXPECT_GT(crowd.refused_at_once, 5'000);
  EXPECT_LT(crowd.refused_later, crowd.refused_at_once / 50);
  // Without deadlines a queue is built up before it is known that it stands; who is in it is served.
  const Crowd patient{std::nullopt};
  EXPECT_EQ(patient.refused_later, 0);
  EXPECT_LE(patient.longest(kBurstEnds - seconds(10), kBurstEnds), seconds(2)) << "and later ones wait no longer than is good";
}

}  // namespace
}  // namespace ebb::sim
