// Rows of a list of names and versions.
#include "registry/versions.h"

#include <gtest/gtest.h>

namespace ebb::registry {
namespace {

using domain::Model;
using domain::ModelRef;

domain::Digest digest(char digit) { return *domain::parse_digest(std::string(64, digit)); }

const std::vector<Model> kAll = {{.name = "a", .version = 1, .digest = digest('1')},
                                 {.name = "b", .version = 2, .digest = digest('2')},
                                 {.name = "b", .version = 10, .digest = digest('3')},
                                 {.name = "c", .version = 1, .digest = digest('1')}};

TEST(Versions, AReferenceMeansOneOrTheNewest) {
  const struct {
    ModelRef ref;
    int64_t version;  // 0: none
    std::string says;
  } rows[] = {{{.name = "a"}, 1, ""},
              {{.name = "b"}, 10, ""},
              {{.name = "b", .version = 2}, 2, ""},
              {{.name = "b", .version = 3}, 0, "there is no model 'b@3'; it has other versions: `ebb model ls` shows them"},
              {{.name = "x"}, 0, "there is no model 'x'; `ebb model ls` shows what there is, `ebb model add` brings more"}};
  for (const auto& row : rows) {
    const Result<Model> found = resolve_version(kAll, row.ref, "model");
    EXPECT_EQ(found ? found->version : 0, row.version);
    if (found) continue;
    EXPECT_EQ(found.error().kind, ErrorKind::kNotFound);
    EXPECT_EQ(found.error().param, "model");
    EXPECT_EQ(found.error().message, row.says);
  }
}

TEST(Versions, TheSameContentUnderANameIsOneVersion) {
  EXPECT_EQ(next_version(kAll, "x", digest('1')).number, 1);
  EXPECT_EQ(next_version(kAll, "b", digest('1')).number, 11);
  EXPECT_EQ(next_version(kAll, "b", digest('1')).same, nullptr);
  ASSERT_NE(next_version(kAll, "b", digest('2')).same, nullptr);
  EXPECT_EQ(next_version(kAll, "b", digest('2')).same->version, 2);
}

TEST(Versions, AListStaysInOrder) {
  std::vector<Model> all = kAll;
  insert_version(all, {.name = "b", .version = 3});
  EXPECT_EQ(all[2].version, 3);
  EXPECT_EQ(all.size(), 5U);
}

TEST(Versions, WhatIsUsedStays) {
  const auto count = [](const ModelRef& ref, const std::function<std::string(const Model&)>& used_by) {
    const auto chosen = removable_versions(kAll, ref, used_by, "image");
    return chosen ? std::to_string(chosen->size()) : chosen.error().param + ": " + chosen.error().message;
  };
  const auto tenth = [](const Model& model) { return model.version == 10 ? std::string("chat") : std::string(); };
  EXPECT_EQ(count({.name = "b"}, {}), "2");
  EXPECT_EQ(count({.name = "b", .version = 2}, tenth), "1");
  EXPECT_EQ(count({.name = "b"}, tenth), "image: the endpoint 'chat' needs b@10: remove it first (ebb rm chat)");
  EXPECT_EQ(count({.name = "x"}, tenth), "image: there is no image 'x'; `ebb image ls` shows what there is, `ebb image add` brings more");
}

}  // namespace
}  // namespace ebb::registry
