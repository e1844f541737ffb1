// Documents of images. Those that are wrong in one way each are in the end-to-end corpus.
#include "registry/image_manifest.h"

#include <gtest/gtest.h>

namespace ebb::registry {
namespace {

const Platform kHere{.os = "linux", .architecture = "amd64"};

Descriptor entry(const std::string& platform, const std::string& name = "", uint8_t number = 0) {
  Descriptor out{.media_type = "application/vnd.oci.image.manifest.v1+json", .digest = {}, .bytes = 1, .platform = {}, .name = name};
  out.digest.bytes[0] = number;
  const size_t slash = platform.find('/');
  if (slash != std::string::npos) out.platform = Platform{.os = platform.substr(0, slash), .architecture = platform.substr(slash + 1)};
  return out;
}

TEST(ImageManifest, OfAnIndexOneIsChosen) {
  struct Row {
    std::vector<Descriptor> index;
    const char* name;
    int chosen;  // number of the entry; -1: refused
    const char* words;
  };
  const Row rows[] = {
      {{entry("", "", 1)}, "", 1, ""},
      {{entry("linux/arm64", "", 1), entry("linux/amd64", "", 2)}, "", 2, ""},
      {{entry("linux/amd64", "", 1), entry("linux/amd64", "", 2)}, "", 1, ""},
      {{entry("unknown/unknown", "", 1), entry("linux/amd64", "", 2)}, "", 2, ""},
      {{entry("", "a", 1), entry("", "b", 2)}, "b", 2, ""},
      {{entry("", "a", 1), entry("", "b", 2)}, "", -1, "several images in it: put :NAME behind it, one of a, b"},
      {{entry("", "a", 1), entry("", "b", 2)}, "c", -1, "no image 'c' in it; there is a, b"},
      {{entry("linux/amd64", "a", 1), entry("linux/amd64", "b", 2)}, "", -1, "several images"},
      {{entry("linux/arm64", "", 1)}, "", -1, "the image is for linux/arm64; this machine is linux/amd64"},
      {{entry("unknown/unknown", "", 1)}, "", -1, "no image"},
      {{}, "", -1, "no image"},
  };
  for (const Row& row : rows) {
    const Result<Descriptor> chosen = choose(row.index, row.name, kHere);
    ASSERT_EQ(chosen.has_value(), row.chosen >= 0) << row.words;
    if (chosen) {
      EXPECT_EQ(chosen->digest.bytes[0], row.chosen);
    } else {
      EXPECT_NE(chosen.error().message.find(row.words), std::string::npos) << chosen.error().message;
    }
  }
}

TEST(ImageManifest, AConfigurationIsReadWhole) {
  const std::string digest(64, 'b');
  const Result<ImageDocument> read =
      parse_image_document(R"({"os":"linux","architecture":"amd64","variant":"v3","history":[{}],"rootfs":{"type":"layers","diff_ids":["sha256:)" + digest +
                           R"("]},"config":{"Entrypoint":["/a"],"Cmd":null,"Env":["A=b","C="],"WorkingDir":"w","User":"1:2",
      "ExposedPorts":{"80/tcp":{},"53/udp":{}},"Labels":{"z":"1","a":"2"},"StopSignal":"SIGINT","Volumes":{"/v":{}}}})");
  ASSERT_TRUE(read) << read.error().message;
  const domain::ImageConfig expected{.entrypoint = {"/a"},
                                     .cmd = {},
                                     .env = {"A=b", "C="},
                                     .workdir = "/w",
                                     .user = "1:2",
                                     .exposed_ports = {"53/udp", "80/tcp"},
                                     .labels = {{"a", "2"}, {"z", "1"}},
                                     .stop_signal = "SIGINT"};
  EXPECT_EQ(read->config, expected);
  EXPECT_EQ(read->platform, kHere);
  ASSERT_EQ(read->diff_ids.size(), 1U);
  EXPECT_EQ(read->diff_ids[0].hex(), digest);
  EXPECT_TRUE(read->notes.empty());
}

TEST(ImageManifest, AnotherPlatformIsNamed) {
  EXPECT_TRUE(check_platform(kHere, kHere));
  const Status other = check_platform({.os = "windows", .architecture = "arm64"}, kHere);
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().message, "the image is for windows/arm64; this machine is linux/amd64");
  EXPECT_EQ(this_platform().os, "linux");
}

}  // namespace
}  // namespace ebb::registry
