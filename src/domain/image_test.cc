// References of images.
#include "domain/image.h"

#include <gtest/gtest.h>

#include "domain/image_json.h"
#include "domain/limits.h"

namespace ebb::domain {
namespace {

TEST(Image, References) {
  struct Row {
    const char* text;
    const char* name;  // nullptr: refused
    int64_t version;   // 0: none
  };
  const Row rows[] = {{"resize", "resize", 0},  {"resize@2", "resize", 2}, {"re-size.v1@10", "re-size.v1", 10},
                      {"resize@0", nullptr, 0}, {"resize@", nullptr, 0},   {"resize@x", nullptr, 0},
                      {"@1", nullptr, 0},       {"", nullptr, 0},          {"../x", nullptr, 0},
                      {"Resize", nullptr, 0},   {"resize@1@2", nullptr, 0}};
  for (const Row& row : rows) {
    const Result<ImageRef> ref = parse_image_ref(row.text);
    ASSERT_EQ(ref.has_value(), row.name != nullptr) << row.text;
    if (!ref) {
      EXPECT_EQ(ref.error().param, "image") << row.text;
      EXPECT_NE(ref.error().message.find("image"), std::string::npos) << row.text;
      continue;
    }
    EXPECT_EQ(ref->name, row.name);
    EXPECT_EQ(ref->version.value_or(0), row.version) << row.text;
    EXPECT_EQ(to_string(*ref), row.text);
  }
}

TEST(Image, WithoutEntrypointAndCommandThereIsNothingToStart) {
  ImageFacts facts;
  EXPECT_FALSE(facts.has_program());
  facts.config.cmd = {"/bin/sh"};
  EXPECT_TRUE(facts.has_program());
  facts.config = {.entrypoint = {"/x"}};
  EXPECT_TRUE(facts.has_program());
}

ImageFacts facts_for_test() {
  ImageFacts facts{.architecture = "amd64", .os = "linux", .unpacked_bytes = 1ULL << 40U, .notes = {"a note"}};
  facts.config = {.entrypoint = {"/x", ""},
                  .cmd = {"a\"b", "\xC3\xA4"},
                  .env = {"A=b"},
                  .workdir = "/w",
                  .user = "1:2",
                  .exposed_ports = {"80/tcp"},
                  .labels = {{"a", "1"}, {"b", ""}},
                  .stop_signal = "SIGINT"};
  facts.config_digest.bytes.fill(1);
  facts.layers = {{.digest = {}, .bytes = 7}, {.digest = facts.config_digest, .bytes = 0}};
  return facts;
}

TEST(Image, FactsComeBackAsTheyWere) {
  const Result<ImageFacts> back = image_facts_from_json(to_json(facts_for_test()), "");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, facts_for_test());
}

TEST(Image, FactsAreReadStrictly) {
  struct Row {
    const char* pointer;
    json::value value;
    const char* param;
  };
  json::array layers(kImageLayersMax + 1, json::value{{"sha256", std::string(64, '0')}, {"bytes", 1}});
  const Row rows[] = {{"/os", nullptr, "x.os"},
                      {"/config", nullptr, "x.config"},
                      {"/config/cmd", json::array{1}, "x.config.cmd"},
                      {"/config/labels", json::object{{"a", 1}}, "x.config.labels"},
                      {"/config_sha256", "12", "x.config_sha256"},
                      {"/layers/0/bytes", -1, "x.layers.bytes"},
                      {"/layers", layers, "x.layers"},
                      {"/unpacked_bytes", "many", "x.unpacked_bytes"}};
  for (const Row& row : rows) {
    json::value value = to_json(facts_for_test());
    value.at_pointer(row.pointer) = row.value;
    const Result<ImageFacts> read = image_facts_from_json(value, "x");
    ASSERT_FALSE(read) << row.pointer;
    EXPECT_EQ(read.error().param, row.param);
  }
}

}  // namespace
}  // namespace ebb::domain
