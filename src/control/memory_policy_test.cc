// Rows of needs, room and victims.
#include "control/memory_policy.h"

#include <gtest/gtest.h>

namespace ebb::control {
namespace {

constexpr uint64_t kMib = 1ULL << 20U;

TEST(NeededBytes, Rows) {
  const uint64_t base = domain::kWorkerBaseBytes;
  const Need fresh{.weights_bytes = 100 * kMib, .weights_mapped = false, .slot_bytes = 10 * kMib, .measured_bytes = std::nullopt, .measured_slots = 0};
  EXPECT_EQ(needed_bytes(fresh, 2), 120 * kMib + base);
  Need mapped = fresh;
  mapped.weights_mapped = true;
  EXPECT_EQ(needed_bytes(mapped, 2), 20 * kMib + base) << "weights that are mapped count nothing";
  Need measured = fresh;
  measured.measured_bytes = 150 * kMib;
  measured.measured_slots = 2;
  EXPECT_EQ(needed_bytes(measured, 2), 150 * kMib);
  EXPECT_EQ(needed_bytes(measured, 4), 170 * kMib);
  EXPECT_EQ(needed_bytes(measured, 1), 140 * kMib);
  measured.measured_bytes = 5 * kMib;
  EXPECT_EQ(needed_bytes(measured, 1), 10 * kMib) << "never less than its slots";
}

TEST(RoomBytes, IsTheTighterOfLimitAndMachine) {
  EXPECT_EQ(room_bytes({.limit_bytes = 100, .workers_bytes = 30, .available_bytes = 1000, .reserve_bytes = 10}), 70U);
  EXPECT_EQ(room_bytes({.limit_bytes = 100, .workers_bytes = 30, .available_bytes = 50, .reserve_bytes = 10}), 40U);
  EXPECT_EQ(room_bytes({.limit_bytes = 100, .workers_bytes = 130, .available_bytes = 50, .reserve_bytes = 10}), 0U);
  EXPECT_EQ(room_bytes({.limit_bytes = 100, .workers_bytes = 0, .available_bytes = 5, .reserve_bytes = 10}), 0U);
}

TEST(RoomBytes, LeavesOutWhatWasPromised) {
  EXPECT_EQ(room_bytes({.limit_bytes = 100, .workers_bytes = 30, .available_bytes = 50, .reserve_bytes = 10, .promised_bytes = 25}), 15U);
  EXPECT_EQ(room_bytes({.limit_bytes = 100, .workers_bytes = 30, .available_bytes = 50, .reserve_bytes = 10, .promised_bytes = 60}), 0U);
}

TEST(UnderPressure, Rows) {
  EXPECT_FALSE(under_pressure({.limit_bytes = 100, .workers_bytes = 100, .available_bytes = 10, .reserve_bytes = 10}));
  EXPECT_TRUE(under_pressure({.limit_bytes = 100, .workers_bytes = 0, .available_bytes = 9, .reserve_bytes = 10}));
  EXPECT_TRUE(under_pressure({.limit_bytes = 100, .workers_bytes = 101, .available_bytes = 99, .reserve_bytes = 10}));
}

TEST(SlotsThatFit, Rows) {
  const Need need{.weights_bytes = 0, .weights_mapped = true, .slot_bytes = 10 * kMib, .measured_bytes = 0, .measured_slots = 0};
  EXPECT_EQ(slots_that_fit(need, 45 * kMib, 8), 4);
  EXPECT_EQ(slots_that_fit(need, 45 * kMib, 2), 2);
  EXPECT_EQ(slots_that_fit(need, 9 * kMib, 8), 0);
  EXPECT_EQ(slots_that_fit(need, 45 * kMib, 0), 0);
}

TEST(FitsNode, SaysTheNumbers) {
  domain::Model model{.name = "big", .version = 1};
  model.facts = {.weights_bytes = 4000 * kMib, .train_context = 2048, .kv_bytes_per_token = 1024};
  const auto revision = *domain::make_revision({}, {.name = "e"}, model, {});
  EXPECT_TRUE(fits_node(revision, 8000 * kMib));
  const Status fits = fits_node(revision, 2000 * kMib);
  ASSERT_FALSE(fits);
  EXPECT_EQ(fits.error().kind, ErrorKind::kExhausted);
  EXPECT_NE(fits.error().message.find("4000 MiB of weights"), std::string::npos) << fits.error().message;
}

TEST(WarmFitsNode, NamesTheFieldAndTheNumbers) {
  const auto revision = [](domain::Scaling scaling, int calls_per_instance) {
    domain::Revision made =
        *domain::make_revision({}, {.name = "e", .engine = domain::Engine::kEcho, .memory_mib = 512, .scaling = std::move(scaling)}, std::nullopt, {});
    made.calls_per_instance = calls_per_instance;
    return made;
  };
  const auto at = [](const char* cron, int provisioned) { return domain::ProvisionedAt{.cron = *domain::Cron::parse(cron, ""), .provisioned = provisioned}; };
  const domain::Scaling evening{.provisioned = 1, .schedule = {at("0 8 * * *", 2), at("0 18 * * *", 4)}};
  EXPECT_TRUE(warm_fits_node(revision({}, 64), 600 * kMib));
  EXPECT_TRUE(warm_fits_node(revision(evening, 64), 4 * 520 * kMib));
  const Status four = warm_fits_node(revision(evening, 64), 4 * 520 * kMib - 1);
  ASSERT_FALSE(four);
  EXPECT_EQ(four.error().kind, ErrorKind::kExhausted);
  EXPECT_EQ(four.error().param, "scaling.schedule[1].provisioned");
  EXPECT_NE(four.error().message.find("keeps 4 instances of 'e' warm, which need about 2080 MiB together (520 MiB for one), and workers may take 2079 MiB"),
            std::string::npos)
      << four.error().message;
  EXPECT_EQ(warm_fits_node(revision({.provisioned = 3}, 1), 1'000 * kMib).error().param, "scaling.provisioned");
  EXPECT_EQ(warm_fits_node(revision({.min = 3}, 1), 1'000 * kMib).error().param, "scaling.min");
  EXPECT_EQ(warm_fits_node(revision({.provisioned = 16}, 0), 64 * kMib).error().param, "scaling.provisioned");
}

TEST(Cheapest, TheLeastWorthFirstThenTheLongestIdleAndKeptNever) {
  const auto at = [](int s) { return MonoTime(seconds(s)); };
  const Victim ready_old{.worker = {1}, .worth = 2, .idle_since = at(1)};
  const Victim ready_new{.worker = {2}, .worth = 2, .idle_since = at(5)};
  const Victim seldom{.worker = {3}, .worth = 1, .idle_since = at(9)};
  const Victim kept{.worker = {4}, .worth = 0, .idle_since = at(0), .kept = true};
  EXPECT_EQ(cheapest(std::vector{ready_new, ready_old, seldom, kept})->worker, WorkerId{3});
  EXPECT_EQ(cheapest(std::vector{ready_new, ready_old, kept})->worker, WorkerId{1});
  EXPECT_FALSE(cheapest(std::vector{kept}));
  EXPECT_FALSE(cheapest({}));
}

}  // namespace
}  // namespace ebb::control
