// The store and its staging folder without a fetcher: names, links, locks, leftovers, a full disk.
#include "registry/content_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "io/folder_for_test.h"
#include "registry/sha256.h"
#include "registry/staged_file.h"

namespace ebb::registry {
namespace {

namespace fs = std::filesystem;

std::span<const uint8_t> bytes_of(const std::string& text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }

class ContentStoreTest : public testing::Test {
 protected:
  domain::Digest put(const std::string& content) {
    StagedFile staged = *StagedFile::open(store_, "put.tmp");
    EXPECT_TRUE(staged.write(bytes_of(content)));
    const domain::Digest digest = *staged.finish();
    EXPECT_TRUE(staged.publish(digest));
    return digest;
  }
  std::string path_of(const domain::Digest& digest) const { return folder_.path("models/sha256/" + digest.hex().substr(0, 2) + "/" + digest.hex()); }
  static WallTime now() { return std::chrono::floor<milliseconds>(std::chrono::system_clock::now()); }

  io::FolderForTest folder_;
  ContentStore store_ = *ContentStore::open(folder_.path("models"));
};

TEST_F(ContentStoreTest, GivesBackWhatWasPut) {
  const domain::Digest digest = put("hello");
  EXPECT_EQ(digest, sha256_of("hello"));
  EXPECT_EQ(digest.hex(), "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
  const auto file = store_.open(digest, 5);
  ASSERT_TRUE(file) << file.error().message;
  char text[8] = {};
  EXPECT_EQ(::read(file->get(), text, sizeof(text)), 5);
  EXPECT_STREQ(text, "hello");
  EXPECT_EQ(::write(file->get(), "x", 1), -1);
  EXPECT_EQ(*store_.list(), std::vector{digest});
  EXPECT_TRUE(store_.remove(digest));
  EXPECT_EQ(store_.open(digest).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(store_.remove(digest).error().kind, ErrorKind::kNotFound);
  EXPECT_TRUE(store_.list()->empty());
}

TEST_F(ContentStoreTest, OpensAgainOverTheSameFolder) {
  const domain::Digest digest = put("hello");
  EXPECT_TRUE(ContentStore::open(folder_.path("models"))->open(digest));
  folder_.write("file", "x");
  EXPECT_FALSE(ContentStore::open(folder_.path("file")));
  EXPECT_FALSE(ContentStore::open(folder_.path("no/parent")));
}

TEST_F(ContentStoreTest, ServesOnlyPlainFilesOfTheRightSize) {
  const domain::Digest digest = put("hello");
  EXPECT_EQ(store_.open(digest, 6).error().kind, ErrorKind::kCorrupt);

  fs::create_hard_link(path_of(digest), folder_.path("second-name"));
  EXPECT_EQ(store_.open(digest).error().kind, ErrorKind::kCorrupt);
  fs::remove(folder_.path("second-name"));
  EXPECT_TRUE(store_.open(digest));

  const std::string outside = folder_.write("outside", "hello");
  fs::remove(path_of(digest));
  fs::create_symlink(outside, path_of(digest));
  EXPECT_FALSE(store_.open(digest));
  EXPECT_FALSE(store_.verify(digest));
  fs::remove(path_of(digest));
  ASSERT_EQ(::mkfifo(path_of(digest).c_str(), 0600), 0);
  EXPECT_EQ(store_.open(digest).error().kind, ErrorKind::kCorrupt);

  // A linked folder is no way out either.
  fs::remove_all(fs::path(path_of(digest)).parent_path());
  fs::create_directory(folder_.path("elsewhere"));
  folder_.write("elsewhere/" + digest.hex(), "hello");
  fs::create_directory_symlink(folder_.path("elsewhere"), fs::path(path_of(digest)).parent_path());
  EXPECT_FALSE(store_.open(digest));
  EXPECT_FALSE(store_.remove(digest));
  EXPECT_TRUE(fs::exists(folder_.path("elsewhere/" + digest.hex())));
}

// Workers that map the file share its pages only while it is the same file.
TEST_F(ContentStoreTest, TheSameContentStaysTheSameFile) {
  struct stat first {};
  struct stat second {};
  ASSERT_EQ(::stat(path_of(put("hello")).c_str(), &first), 0);
  ASSERT_EQ(::stat(path_of(put("hello")).c_str(), &second), 0);
  EXPECT_EQ(first.st_ino, second.st_ino);
  EXPECT_EQ(folder_.files("models"), 1U);
}

TEST_F(ContentStoreTest, AFileUnderAWrongNameIsFoundCorrupt) {
  const domain::Digest digest = put("hello");
  fs::rename(path_of(digest), path_of(digest) + "x");
  folder_.write("models/sha256/" + digest.hex().substr(0, 2) + "/" + digest.hex(), "hellO");
  EXPECT_EQ(store_.verify(digest).error().kind, ErrorKind::kCorrupt);
  EXPECT_EQ(put("hello"), digest);  // replaces it
  EXPECT_TRUE(store_.verify(digest));
}

TEST_F(ContentStoreTest, AStagedFileIsRemovedUnlessKept) {
  { EXPECT_TRUE(StagedFile::open(store_, "a.tmp")->write(bytes_of("x"))); }
  EXPECT_EQ(folder_.files("models/staging"), 0U);
  const std::string name = std::string(64, 'a') + ".part";
  {
    StagedFile staged = *StagedFile::open(store_, name);
    EXPECT_TRUE(staged.reserve(1U << 20U));
    EXPECT_TRUE(staged.write(bytes_of("hel")));
    staged.keep();
    EXPECT_EQ(StagedFile::open(store_, name).error().kind, ErrorKind::kExists);
  }
  StagedFile staged = *StagedFile::open(store_, name);
  EXPECT_EQ(staged.bytes(), 3U);  // what was reserved does not count
  uint64_t seen = 0;
  EXPECT_TRUE(staged.take_over([&](uint64_t done) { seen = done; }));
  EXPECT_EQ(seen, 3U);
  EXPECT_TRUE(staged.write(bytes_of("lo")));
  EXPECT_EQ(*staged.finish(), sha256_of("hello"));
}

TEST_F(ContentStoreTest, ClearsWhatNobodyCanResume) {
  const std::string young = std::string(64, 'a');
  const std::string old = std::string(64, 'b');
  folder_.write("models/staging/" + young + ".part", "x");
  folder_.write("models/staging/" + young + ".meta", "{}");
  folder_.write("models/staging/" + old + ".part", "x");
  folder_.write("models/staging/" + old + ".meta", "{}");
  folder_.write("models/staging/copy-1.tmp", "x");
  folder_.write("models/staging/" + std::string(64, 'c') + ".meta", "{}");
  folder_.write("models/staging/" + std::string(64, 'G') + ".part", "x");
  fs::create_symlink("/etc/passwd", folder_.path("models/staging/" + std::string(64, 'd') + ".part"));
  fs::last_write_time(folder_.path("models/staging/" + old + ".part"), fs::file_time_type::clock::now() - std::chrono::hours(24 * 8));
  StagedFile live = *StagedFile::open(store_, "copy-2.tmp");

  EXPECT_EQ(*store_.clear_staging(now()), 6U);
  EXPECT_TRUE(fs::exists(folder_.path("models/staging/" + young + ".part")));
  EXPECT_TRUE(fs::exists(folder_.path("models/staging/" + young + ".meta")));
  EXPECT_TRUE(fs::exists(folder_.path("models/staging/copy-2.tmp")));
  EXPECT_EQ(folder_.files("models/staging"), 3U);
}

TEST_F(ContentStoreTest, KeepsTheNewestWithinTheBound) {
  for (const char digit : {'1', '2', '3'}) {
    const std::string path = folder_.write("models/staging/" + std::string(64, digit) + ".part", std::string(100'000, 'x'));
    fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::hours('9' - digit));
  }
  EXPECT_EQ(*store_.clear_staging(now(), {.bytes_max = 250'000}), 1U);
  EXPECT_FALSE(fs::exists(folder_.path("models/staging/" + std::string(64, '1') + ".part")));
  EXPECT_TRUE(fs::exists(folder_.path("models/staging/" + std::string(64, '3') + ".part")));
}

// Root within a namespace of its own: what is mounted there is seen by nobody else.
bool enter_namespace() {
  const auto put = [](const char* path, const std::string& text) {
    const Fd file(::open(path, O_WRONLY | O_CLOEXEC));
    return file && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  };
  const std::string users = "0 " + std::to_string(::geteuid()) + " 1";
  const std::string groups = "0 " + std::to_string(::getegid()) + " 1";
  return ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && put("/proc/self/setgroups", "deny") && put("/proc/self/uid_map", users) &&
         put("/proc/self/gid_map", groups);
}

// What a child in its own mount namespace finds on a disk of four megabytes: 0, or the line that failed.
int on_a_full_disk(const std::string& place) {
  if (!enter_namespace() || ::mount("tmpfs", place.c_str(), "tmpfs", 0, "size=4m,mode=700") != 0) return 77;
  const auto store = ContentStore::open(place + "/models");
  if (!store) return __LINE__;
  const std::string chunk(1U << 20U, 'x');
  {
    auto staged = StagedFile::open(*store, "a.tmp");
    if (!staged) return __LINE__;
    Status written;
    for (int i = 0; written && i < 8; ++i)
      written = staged->write(bytes_of(chunk));
    if (written || written.error().kind != ErrorKind::kExhausted) return __LINE__;
    if (written.error().message.find("disk of the model store is full") == std::string::npos) return __LINE__;
  }
  // Nothing is left, and there is room again.
  if (!fs::is_empty(place + "/models/staging") || !fs::is_empty(place + "/models/sha256")) return __LINE__;
  auto again = StagedFile::open(*store, "a.tmp");
  if (!again || !again->write(bytes_of(chunk))) return __LINE__;
  const auto digest = again->finish();
  if (!digest || !again->publish(*digest) || !store->verify(*digest)) return __LINE__;
  return 0;
}

TEST_F(ContentStoreTest, AFullDiskIsATypedErrorAndLeavesNothing) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(std::min(on_a_full_disk(folder_.path("models")), 255));
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 77) GTEST_SKIP() << "no user namespaces here";
  EXPECT_EQ(WEXITSTATUS(status), 0) << "the line (modulo 256) that failed";
}

}  // namespace
}  // namespace ebb::registry
