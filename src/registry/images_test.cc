// Names over a real catalog and a real store.
#include "registry/images.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "io/folder_for_test.h"

namespace ebb::registry {
namespace {

namespace fs = std::filesystem;

class ImagesTest : public testing::Test {
 protected:
  ImagesTest() { load(); }
  void load() {
    images_.reset();
    catalog_.reset();
    catalog_ = std::move(*store::Catalog::open(folder_.path()));
    images_ = std::move(*Images::load(*catalog_, store_));
  }

  static domain::Digest digest(uint8_t number) {
    domain::Digest out;
    out.bytes.fill(number);
    return out;
  }
  // With the manifest's number; its configuration has the next one. Staged, then published as ebb-fetch does it.
  ImageFetchResult put(uint8_t number, const std::vector<uint8_t>& layers) {
    ImageFetchResult out{.digest = digest(number), .facts = {.architecture = "amd64", .os = "linux", .config_digest = digest(number + 1)}};
    out.facts.config.entrypoint = {"/x"};
    const std::string staging = *store_.new_staging();
    const fs::path place = folder_.path("images/staging/" + staging);
    const auto blob = [&](uint8_t name, const std::string& bytes) {
      std::ofstream(place / "blob") << bytes;
      EXPECT_TRUE(store_.publish_blob(staging + "/blob", digest(name)));
    };
    blob(number, "manifest");
    blob(number + 1, "config");
    for (const uint8_t layer : layers) {
      blob(layer, "layer");
      out.facts.layers.push_back({.digest = digest(layer), .bytes = 5});
    }
    fs::create_directories(place / "root/etc");
    EXPECT_TRUE(store_.publish_root(staging + "/root", digest(number)));
    fs::remove_all(place);
    return out;
  }
  domain::Image add(const std::string& name, const ImageFetchResult& fetched) {
    Result<domain::Image> image = images_->add(name, fetched, "/a.tar", WallTime(milliseconds(7)));
    EXPECT_TRUE(image) << image.error().message;
    return *image;
  }
  size_t blobs() const { return store_.blobs()->size(); }
  size_t roots() const { return store_.roots()->size(); }

  io::FolderForTest folder_;
  ImageStore store_ = *ImageStore::open(folder_.path("images"));
  std::unique_ptr<store::Catalog> catalog_;
  std::unique_ptr<Images> images_;
};

TEST_F(ImagesTest, VersionsCountAndSurvive) {
  const ImageFetchResult one = put(10, {1});
  const ImageFetchResult two = put(20, {1, 2});
  EXPECT_EQ(add("a", one).version, 1);
  EXPECT_EQ(add("a", two).version, 2);
  EXPECT_EQ(add("a", one).version, 1) << "the same content is the same version";
  EXPECT_EQ(add("b", two).version, 1);
  load();
  ASSERT_EQ(images_->list().size(), 3U);
  EXPECT_EQ(images_->resolve({.name = "a"})->version, 2);
  EXPECT_EQ(images_->resolve({.name = "a", .version = 1})->facts, one.facts);
  EXPECT_EQ(images_->resolve({.name = "a", .version = 3}).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(images_->resolve({.name = "c"}).error().param, "image");
  EXPECT_EQ(*images_->root_path(two.digest), (folder_.path("images/roots") / two.digest.hex()).string());
  EXPECT_FALSE(images_->root_path(digest(99)));
}

TEST_F(ImagesTest, PartsGoWithTheLastRowThatNamesThem) {
  add("a", put(10, {1}));
  add("b", put(20, {1, 2}));
  add("c", put(20, {1, 2}));
  EXPECT_EQ(blobs(), 6U);
  ASSERT_TRUE(images_->remove({.name = "b"}, nullptr));
  EXPECT_EQ(blobs(), 6U);
  ASSERT_TRUE(images_->remove({.name = "c"}, nullptr));
  EXPECT_EQ(blobs(), 3U);
  EXPECT_EQ(roots(), 1U);
  ASSERT_TRUE(images_->remove({.name = "a"}, nullptr));
  EXPECT_EQ(blobs() + roots(), 0U);
  EXPECT_EQ(images_->remove({.name = "a"}, nullptr).error().kind, ErrorKind::kNotFound);
}

TEST_F(ImagesTest, WhatAnEndpointNeedsStays) {
  add("a", put(10, {1}));
  add("a", put(20, {2}));
  const auto used = [](const domain::Image& image) { return image.version == 2 ? std::string("resize") : std::string(); };
  const Status refused = images_->remove({.name = "a"}, used);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kExists);
  EXPECT_NE(refused.error().message.find("'resize' needs a@2"), std::string::npos);
  EXPECT_EQ(images_->list().size(), 2U) << "nothing is removed then";
  EXPECT_TRUE(images_->remove({.name = "a", .version = 1}, used));
}

TEST_F(ImagesTest, WhatIsNotInTheStoreGetsNoName) {
  const ImageFetchResult sound = put(10, {1});
  ImageFetchResult other = sound;
  other.facts.layers[0].bytes = 6;
  EXPECT_EQ(images_->add("a", other, "", WallTime{}).error().kind, ErrorKind::kCorrupt);
  other = sound;
  other.digest = digest(77);
  EXPECT_EQ(images_->add("a", other, "", WallTime{}).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(images_->add("../a", sound, "", WallTime{}).error().kind, ErrorKind::kInvalid);
  ASSERT_TRUE(store_.remove_blob(digest(1)));
  EXPECT_EQ(images_->add("a", sound, "", WallTime{}).error().kind, ErrorKind::kNotFound);
  EXPECT_TRUE(images_->list().empty());
}

TEST_F(ImagesTest, TheRestIsClearedAtTheStart) {
  add("a", put(10, {1}));
  put(20, {1, 2});
  ASSERT_TRUE(store_.new_staging());
  const Result<size_t> cleared = images_->clear_rest();
  ASSERT_TRUE(cleared);
  EXPECT_EQ(blobs(), 3U);
  EXPECT_EQ(roots(), 1U);
  // In the background: until then a new look finds less.
  while (!store_.staged()->empty())
    std::this_thread::yield();
  EXPECT_TRUE(images_->root_path(digest(10)));
}

TEST_F(ImagesTest, OfTwoUnpackedAtOnceOneIsKept) {
  put(10, {1});
  put(10, {1});
  EXPECT_EQ(roots(), 1U);
  EXPECT_EQ(blobs(), 3U);
}

}  // namespace
}  // namespace ebb::registry
