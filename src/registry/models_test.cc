// Names and versions over a real catalog and a real store.
#include "registry/models.h"

#include <gtest/gtest.h>

#include "io/folder_for_test.h"
#include "registry/sha256.h"
#include "registry/staged_file.h"

namespace ebb::registry {
namespace {

class ModelsTest : public testing::Test {
 protected:
  FetchResult put(const std::string& content) {
    StagedFile staged = *StagedFile::open(store_, "put.tmp");
    EXPECT_TRUE(staged.write({reinterpret_cast<const uint8_t*>(content.data()), content.size()}));
    const domain::Digest digest = *staged.finish();
    EXPECT_TRUE(staged.publish(digest));
    return {.digest = digest,
            .facts = {.architecture = "llama", .title = content, .weights_bytes = content.size(), .layers = 1, .train_context = 1, .vocabulary = 1}};
  }
  Models load() { return *Models::load(*catalog_, store_); }
  static std::string nobody(const domain::Model& /*model*/) { return ""; }

  io::FolderForTest folder_;
  ContentStore store_ = *ContentStore::open(folder_.path("models"));
  std::unique_ptr<store::Catalog> catalog_ = *store::Catalog::open(folder_.path());
  const WallTime now_{seconds(1'700'000'000)};
};

TEST_F(ModelsTest, VersionsRiseAndTheNewestAnswersToTheName) {
  Models models = load();
  EXPECT_EQ(models.add("smol", put("one"), "/x", now_)->version, 1);
  EXPECT_EQ(models.add("smol", put("two"), "https://me:secret@host/y?token=1#z", now_)->version, 2);
  EXPECT_EQ(models.add("other", put("one"), "/x", now_)->version, 1);
  EXPECT_EQ(models.add("smol", put("one"), "/z", now_)->version, 1);  // that content has its version already
  EXPECT_EQ(models.resolve({.name = "smol"})->facts.title, "two");
  EXPECT_EQ(models.resolve({.name = "smol"})->source, "https://host/y");
  EXPECT_EQ(models.resolve({.name = "smol", .version = 1})->facts.title, "one");
  EXPECT_EQ(models.resolve({.name = "smol", .version = 3}).error().message, "there is no model 'smol@3'; it has other versions: `ebb model ls` shows them");
  EXPECT_EQ(models.resolve({.name = "none"}).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(models.add("Bad Name", put("one"), "/x", now_).error().param, "name");

  const Models again = load();
  EXPECT_EQ(again.list(), models.list());
  EXPECT_EQ(again.list().size(), 3U);
  EXPECT_EQ(again.list().front().name, "other");
}

TEST_F(ModelsTest, AFileGoesWithItsLastName) {
  Models models = load();
  const FetchResult one = put("one");
  ASSERT_TRUE(models.add("a", one, "/x", now_));
  ASSERT_TRUE(models.add("b", one, "/x", now_));
  ASSERT_TRUE(models.open(one.digest));
  EXPECT_TRUE(models.remove({.name = "a"}, nobody));
  EXPECT_TRUE(models.open(one.digest));
  EXPECT_TRUE(models.remove({.name = "b", .version = 1}, nobody));
  EXPECT_EQ(models.open(one.digest).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(store_.open(one.digest).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(models.remove({.name = "b"}, nobody).error().kind, ErrorKind::kNotFound);
  EXPECT_TRUE(load().list().empty());
  // What was fetched before its content was removed has no file any more.
  EXPECT_EQ(models.add("c", one, "/x", now_).error().kind, ErrorKind::kNotFound);
}

TEST_F(ModelsTest, WhatAnEndpointNeedsStays) {
  Models models = load();
  ASSERT_TRUE(models.add("a", put("one"), "/x", now_));
  ASSERT_TRUE(models.add("a", put("two"), "/x", now_));
  const auto used = [](const domain::Model& model) { return model.version == 2 ? std::string("chat") : std::string(); };
  const Status refused = models.remove({.name = "a"}, used);
  EXPECT_EQ(refused.error().kind, ErrorKind::kExists);
  EXPECT_NE(refused.error().message.find("the endpoint 'chat' needs a@2"), std::string::npos);
  EXPECT_EQ(models.list().size(), 2U);
  EXPECT_TRUE(models.remove({.name = "a", .version = 1}, used));
  EXPECT_EQ(models.list().size(), 1U);
}

TEST_F(ModelsTest, TheNextStartClearsWhatNoModelNames) {
  Models models = load();
  ASSERT_TRUE(models.add("a", put("one"), "/x", now_));
  const FetchResult lost = put("published, and then the server died");
  folder_.write("models/staging/copy-1.tmp", "x");
  EXPECT_EQ(*load().clear_rest(now_), 2U);
  EXPECT_EQ(store_.open(lost.digest).error().kind, ErrorKind::kNotFound);
  EXPECT_TRUE(load().open(sha256_of("one")));
  EXPECT_EQ(*load().clear_rest(now_), 0U);
}

TEST_F(ModelsTest, AChangedFileIsNotServed) {
  Models models = load();
  FetchResult one = put("one");
  one.facts.weights_bytes = 4;
  EXPECT_EQ(models.add("a", one, "/x", now_).error().kind, ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace ebb::registry
