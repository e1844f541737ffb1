// Rows of digests and references: text from outside that becomes names of files.
#include "domain/model.h"

#include <gtest/gtest.h>

namespace ebb::domain {
namespace {

TEST(ParseDigest, IsBytesOrNothing) {
  const std::string hex(64, 'a');
  EXPECT_EQ(parse_digest(hex)->hex(), hex);
  EXPECT_EQ(parse_digest("sha256:" + hex)->hex(), hex);
  EXPECT_EQ(parse_digest("sha256=" + std::string(64, 'A'))->hex(), hex);
  for (const std::string& bad :
       {std::string(), std::string(63, 'a'), std::string(65, 'a'), std::string(63, 'a') + "/", "../" + std::string(61, 'a'), "sha512:" + hex})
    EXPECT_FALSE(parse_digest(bad)) << bad;
}

TEST(ParseModelRef, Rows) {
  EXPECT_EQ(*parse_model_ref("smol"), (ModelRef{.name = "smol"}));
  EXPECT_EQ(*parse_model_ref("smol-2.5_q4@12"), (ModelRef{.name = "smol-2.5_q4", .version = 12}));
  EXPECT_EQ(to_string(*parse_model_ref("smol@3")), "smol@3");
  for (const char* bad : {"", "@1", "Smol", "../smol", "smol@", "smol@0", "smol@-1", "smol@1x", "smol@1@2", ".hidden", "a/b", "smol@99999999999999999999"})
    EXPECT_FALSE(parse_model_ref(bad)) << bad;
  EXPECT_FALSE(parse_model_ref(std::string(64, 'a')));
}

}  // namespace
}  // namespace ebb::domain
