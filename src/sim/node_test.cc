// A node in virtual time: calls are served, workers stand still, and the same calls give the same.
#include "sim/node.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sim/steady_behaviour.h"

namespace ebb::sim {
namespace {

NodeOptions options() {
  return {.config = {.memory_limit_bytes = 4ULL << 30U, .memory_reserve_bytes = 256ULL << 20U, .cores = 2, .prices = {}, .first_worker_id = 1},
          .readings_every = seconds(1)};
}

control::RevisionDeployed deployment(const std::string& name, uint64_t id, domain::Scaling scaling = {}) {
  const auto revision = domain::make_revision(RevisionId{id}, {.name = name, .engine = domain::Engine::kEcho, .scaling = scaling}, std::nullopt, WallTime{});
  EXPECT_TRUE(revision);
  return {*revision};
}

struct Book : Observer {
  void recorded(MonoTime, const domain::UsageRecord& record) override { records.push_back(record); }
  void refused(MonoTime, CallId, const Error& error) override { errors.push_back(error); }
  void worker_started(MonoTime, const control::StartWorker&) override { ++started; }
  void worker_ended(MonoTime, WorkerId) override { ++ended; }
  void memory_held(MonoTime, uint64_t bytes) override { most = std::max(most, bytes); }
  std::vector<domain::UsageRecord> records;
  std::vector<Error> errors;
  int started = 0;
  int ended = 0;
  uint64_t most = 0;
};

TEST(Node, ACallStartsAWorkerAndIsServed) {
  SteadyBehaviour behaviour;
  Book book;
  Node node(options(), behaviour, &book);
  node.feed(deployment("a", 1));
  node.arrive("a");
  EXPECT_TRUE(node.run_until(node.now() + seconds(2)));
  ASSERT_EQ(book.records.size(), 1U);
  EXPECT_EQ(book.records[0].queued, seconds(1));
  EXPECT_EQ(book.records[0].busy, milliseconds(200));
  EXPECT_EQ(book.records[0].first_byte, seconds(1) + milliseconds(20));
  EXPECT_EQ(book.most, 256ULL << 20U);
  node.run_until(node.now() + seconds(700));
  EXPECT_EQ(book.ended, 1) << "parked, then gone";
  EXPECT_EQ(node.workers_alive(), 0U);
}

TEST(Node, ThreeBusyWorkersShareTwoCores) {
  SteadyBehaviour behaviour({.call = seconds(3)});
  Book book;
  Node node(options(), behaviour, &book);
  for (const char* name : {"a", "b", "c"}) {
    node.feed(deployment(name, static_cast<uint64_t>(name[0])));
    node.arrive(name);
  }
  const MonoTime begun = node.now();
  node.run_until(begun + seconds(20));
  ASSERT_EQ(book.records.size(), 3U);
  // Twelve seconds of work on two cores; the last one alone uses one of them.
  EXPECT_GE(book.records.back().total, seconds(6));
  EXPECT_LE(book.records.back().total, seconds(8));
}

TEST(Node, ALoadThatTakesLongShowsProgress) {
  SteadyBehaviour behaviour({.start = seconds(40), .call = seconds(90)});
  Book book;
  Node node(options(), behaviour, &book);
  domain::EndpointSpec spec{.name = "a", .engine = domain::Engine::kEcho, .limits = {.wait = seconds(60)}};
  node.feed(control::RevisionDeployed{*domain::make_revision(RevisionId{1}, spec, std::nullopt, WallTime{})});
  node.arrive("a");
  node.run_until(node.now() + seconds(140));
  ASSERT_EQ(book.records.size(), 1U);
  EXPECT_EQ(book.records[0].outcome, domain::Outcome::kOk);
}

TEST(Node, WhoDiesSaysNothingMore) {
  SteadyBehaviour behaviour;
  Book book;
  Node node(options(), behaviour, &book);
  node.feed(deployment("a", 1));
  node.arrive("a");
  node.die(WorkerId{1}, node.now() + milliseconds(1'100), 1);
  node.run_until(node.now() + seconds(10));
  ASSERT_EQ(book.records.size(), 1U);
  EXPECT_EQ(book.records[0].outcome, domain::Outcome::kFault) << "it had given text";
  EXPECT_EQ(book.started, 1);
  EXPECT_EQ(book.ended, 1);
}

TEST(Node, DrainsToNothing) {
  SteadyBehaviour behaviour;
  Node node(options(), behaviour);
  node.feed(deployment("a", 1, {.min = 1}));
  node.run_until(node.now() + seconds(5));
  for (int i = 0; i < 10; ++i)
    node.arrive("a");
  node.feed(control::DrainRequested{});
  node.run_until(node.now() + seconds(5));
  EXPECT_TRUE(node.drained());
}

}  // namespace
}  // namespace ebb::sim
