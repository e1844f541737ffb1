// Credentials on the disk and by host.
#include "registry/registry_logins.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>

#include "domain/limits.h"
#include "io/folder_for_test.h"

namespace ebb::registry {
namespace {

class RegistryLoginsTest : public testing::Test {
 protected:
  RegistryLogins load() const { return *RegistryLogins::load(file_); }
  static RegistryHost host(const char* text) { return *parse_registry_host(text); }
  std::string text() const {
    std::ifstream stream(file_);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  io::FolderForTest folder_;
  std::filesystem::path file_ = folder_.path("registry-logins.json");
};

TEST_F(RegistryLoginsTest, OneForEachHostAndPort) {
  RegistryLogins logins = load();
  EXPECT_TRUE(logins.list().empty());
  ASSERT_TRUE(logins.put(host("r.tld"), {.username = "u", .password = "p"}));
  ASSERT_TRUE(logins.put(host("r.tld:5000"), {.username = "v", .password = "q", .token_server = "https://Auth.r.tld:443/token"}));
  struct stat info {};
  ASSERT_EQ(::stat(file_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
  logins = load();
  EXPECT_EQ(logins.of(host("R.TLD:443"))->username, "u");
  EXPECT_EQ(logins.of(host("r.tld:5000"))->token_server, "https://auth.r.tld");
  for (const char* other : {"r.tld:5001", "x.r.tld", "tld", "r.tld.evil.tld"})
    EXPECT_FALSE(logins.of(host(other))) << other;
  ASSERT_TRUE(logins.remove(host("r.tld")));
  EXPECT_FALSE(load().of(host("r.tld")));
  EXPECT_EQ(logins.remove(host("r.tld")).error().kind, ErrorKind::kNotFound);
}

TEST_F(RegistryLoginsTest, BadOnesAreRefusedWithoutTheirSecret) {
  RegistryLogins logins = load();
  for (const RegistryLogin& login : {RegistryLogin{.username = "", .password = "s3cret"},
                                     {.username = "a:b", .password = "s3cret"},
                                     {.username = "a\n", .password = "s3cret"},
                                     {.username = "a", .password = ""},
                                     {.username = "a", .password = "s3cret\r"},
                                     {.username = "a", .password = "s3cret" + std::string(domain::kRegistrySecretBytesMax, 'x')},
                                     {.username = "a", .password = "s3cret", .token_server = "auth.tld"},
                                     {.username = "a", .password = "s3cret", .token_server = "https://u@auth.tld"}}) {
    const Status put = logins.put(host("r.tld"), login);
    ASSERT_FALSE(put);
    EXPECT_EQ(put.error().message.find("s3cret"), std::string::npos);
  }
  EXPECT_FALSE(std::filesystem::exists(file_));
}

TEST_F(RegistryLoginsTest, ADamagedFileIsSaidAndNotRepeated) {
  for (const char* bytes : {"{\"r.tld\":{\"username\":\"u\",\"password\":", "[\"s3cret\"]", "{\"r.tld\":{\"password\":\"s3cret\"}}",
                            "{\"r.tld\":{\"username\":\"s3cret\",\"x\":1,\"password\":\"p\"}}"}) {
    folder_.write("registry-logins.json", bytes);
    const Result<RegistryLogins> loaded = RegistryLogins::load(file_);
    ASSERT_FALSE(loaded) << bytes;
    EXPECT_EQ(loaded.error().kind, ErrorKind::kCorrupt);
    EXPECT_EQ(loaded.error().message.find("s3cret"), std::string::npos) << loaded.error().message;
  }
}

TEST_F(RegistryLoginsTest, AFileThatOthersMayReadBecomesPrivate) {
  folder_.write("registry-logins.json", "{}");
  ::chmod(file_.c_str(), 0644);
  ASSERT_TRUE(RegistryLogins::load(file_));
  EXPECT_EQ(static_cast<unsigned>(std::filesystem::status(file_).permissions()), 0600U);
}

TEST_F(RegistryLoginsTest, ThereIsABound) {
  RegistryLogins logins = load();
  for (size_t i = 0; i < domain::kRegistryLoginsMax; ++i)
    ASSERT_TRUE(logins.put(host(("h" + std::to_string(i) + ".tld").c_str()), {.username = "u", .password = "p"}));
  EXPECT_EQ(logins.put(host("one-more.tld"), {.username = "u", .password = "p"}).error().kind, ErrorKind::kExhausted);
  EXPECT_EQ(load().list().size(), domain::kRegistryLoginsMax);
}

}  // namespace
}  // namespace ebb::registry
