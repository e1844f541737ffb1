// USER as rows, and files that point out of the image.
#include "container/image_user.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "io/folder_for_test.h"

namespace ebb::container {
namespace {

constexpr std::string_view kPasswd =
    "root:x:0:0:root:/root:/bin/sh\n# a comment:x:9:9\nbroken\nfn:x:1000:1001:,,,:/home/fn:/bin/sh\n1234:x:7:8::/:\nhuge:x:70000:1::/:\nlast:x:12:13";
constexpr std::string_view kGroup = "root:x:0:\nfn:x:1001:fn\nvideo:x:44:root,fn\naudio:x:29:fn\naudio2:x:29:fn\nfnord:x:45:fnord\n55:x:66:\n";

struct Row {
  const char* user;
  uint32_t uid, gid;
  std::vector<uint32_t> groups;
};

TEST(ImageUser, IsReadAsEnginesReadIt) {
  const Row rows[] = {
      {"", 0, 0, {44}},        {"root", 0, 0, {44}}, {"0", 0, 0, {44}},          {"fn", 1000, 1001, {44, 29}},      {"1000", 1000, 1001, {44, 29}},
      {"4321", 4321, 0, {}},   {"1234", 7, 8, {}},   {"fn:video", 1000, 44, {}}, {"fn:99", 1000, 99, {}},           {"1:2", 1, 2, {}},
      {"fn:55", 1000, 66, {}}, {"last", 12, 13, {}}, {":video", 0, 44, {}},      {"65535:65535", 65535, 65535, {}},
  };
  for (const Row& row : rows) {
    const Result<ImageUser> user = resolve_user(row.user, kPasswd, kGroup);
    ASSERT_TRUE(user) << row.user << ": " << user.error().message;
    EXPECT_EQ(user->uid, row.uid) << row.user;
    EXPECT_EQ(user->gid, row.gid) << row.user;
    EXPECT_EQ(user->groups, row.groups) << row.user;
  }
}

TEST(ImageUser, RefusesWhatIsNotThere) {
  const std::pair<const char*, ErrorKind> rows[] = {
      {"nobody", ErrorKind::kNotFound}, {"fn:nobody", ErrorKind::kNotFound}, {"65536", ErrorKind::kInvalid},   {"1:99999999999", ErrorKind::kInvalid},
      {"-1", ErrorKind::kNotFound},     {"huge", ErrorKind::kNotFound},      {"broken", ErrorKind::kNotFound}, {"# a comment", ErrorKind::kNotFound}};
  for (const auto& [text, kind] : rows) {
    const Result<ImageUser> user = resolve_user(text, kPasswd, kGroup);
    ASSERT_FALSE(user) << text;
    EXPECT_EQ(user.error().kind, kind) << text << ": " << user.error().message;
  }
}

TEST(ImageUser, LinksAreFollowedInsideTheImageOnly) {
  const io::FolderForTest image;
  const io::FolderForTest outside;
  outside.write("passwd", "secret:x:5:5::/:\n");
  std::filesystem::create_directory(image.path("etc"));
  std::filesystem::create_directory(image.path("data"));
  image.write("data/passwd", "inside:x:6:6::/:\n");
  std::filesystem::create_symlink("/data/passwd", image.path("etc/passwd"));
  const Result<ImageUser> inside = find_user(image.path(), "inside");
  ASSERT_TRUE(inside) << inside.error().message;
  EXPECT_EQ(inside->uid, 6U);
  for (const std::string& target : {(outside.path() / "passwd").string(), "../../" + outside.path().filename().string() + "/passwd"}) {
    std::filesystem::remove(image.path("etc/passwd"));
    std::filesystem::create_symlink(target, image.path("etc/passwd"));
    const Result<ImageUser> secret = find_user(image.path(), "secret");
    ASSERT_FALSE(secret) << target;
    EXPECT_EQ(secret.error().kind, ErrorKind::kNotFound);
  }
}

TEST(ImageUser, FilesThatAreNoneAreRefused) {
  const io::FolderForTest image;
  EXPECT_EQ(find_user(image.path(), "")->uid, 0U);  // no files at all
  std::filesystem::create_directory(image.path("etc"));
  ASSERT_EQ(::mkfifo(image.path("etc/passwd").c_str(), 0600), 0);
  EXPECT_EQ(find_user(image.path(), "x").error().kind, ErrorKind::kInvalid);
  std::filesystem::remove(image.path("etc/passwd"));
  image.write("etc/passwd", std::string((size_t{1} << 20U) + 1, 'x'));
  EXPECT_EQ(find_user(image.path(), "x").error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(find_user(image.path("nowhere"), "x").error().kind, ErrorKind::kNotFound);
}

}  // namespace
}  // namespace ebb::container
