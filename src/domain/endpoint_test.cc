// Names, and what a revision fills in.
#include "domain/endpoint.h"

#include <gtest/gtest.h>

namespace ebb::domain {
namespace {

Model model(int64_t train_context = 8192) {
  Model model{.name = "smol", .version = 1};
  model.facts = {.weights_bytes = 98ULL << 20U, .train_context = train_context, .kv_bytes_per_token = 23'040};
  return model;
}

TEST(IsName, Rows) {
  for (const char* good : {"a", "0", "chat", "my-model.v2_x"})
    EXPECT_TRUE(is_name(good)) << good;
  for (const char* bad : {"", "-a", ".a", "_a", "A", "a b", "a/b", "ä", "a\n"})
    EXPECT_FALSE(is_name(bad)) << bad;
  EXPECT_TRUE(is_name(std::string(63, 'a')));
  EXPECT_FALSE(is_name(std::string(64, 'a')));
}

TEST(MakeRevision, TakesTheModelsContextUpToTheAutomaticOne) {
  EXPECT_EQ(make_revision({}, {.name = "e"}, model(8192), {})->context_tokens, kContextAuto);
  EXPECT_EQ(make_revision({}, {.name = "e"}, model(2048), {})->context_tokens, 2048);
  EXPECT_EQ(make_revision({}, {.name = "e", .context_tokens = 8192}, model(8192), {})->context_tokens, 8192);
}

TEST(MakeRevision, TextsForVectorsAreShorterAndTakeMemoryByTheirWidth) {
  Model sentences = model(8192);
  sentences.facts.pooling = "mean";
  sentences.facts.width = 1024;
  sentences.facts.kv_bytes_per_token = 0;
  const auto revision = make_revision({}, {.name = "e"}, sentences, {});
  EXPECT_EQ(revision->context_tokens, kContextAutoOfVectors);
  EXPECT_GE(revision->slot_bytes(), 100ULL << 20U);
  EXPECT_EQ(make_revision({}, {.name = "e", .context_tokens = 8192}, sentences, {})->context_tokens, 8192);
}

TEST(MakeRevision, RefusesAContextThatTheModelWasNotMadeFor) {
  const auto revision = make_revision({}, {.name = "e", .context_tokens = 8193}, model(8192), {});
  ASSERT_FALSE(revision);
  EXPECT_EQ(revision.error().param, "context");
  EXPECT_FALSE(make_revision({}, {.name = "e"}, model(0), {}));
}

TEST(MakeRevision, EstimatesMemoryUnlessItIsGiven) {
  const auto estimated = make_revision({}, {.name = "e"}, model(), {});
  const int64_t needed = 98 + 64 + (23'040 * 4096 >> 20) + 4;
  EXPECT_GE(estimated->memory_mib, needed);
  EXPECT_LT(estimated->memory_mib, needed + 65);
  EXPECT_EQ(make_revision({}, {.name = "e", .memory_mib = 512}, model(), {})->memory_mib, 512);
}

}  // namespace
}  // namespace ebb::domain
