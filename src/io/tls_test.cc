// What is taken for a certificate and its key, and how they are replaced.
// Compiled alone: names of OpenSSL's are macros.
#include "io/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "io/certificate_for_test.h"
#include "io/folder_for_test.h"

namespace ebb::io {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr size_t kBytesMax = 256 * 1024;

class TlsTest : public ::testing::Test {
 protected:
  TlsFiles write(const CertificateForTest& made) {
    folder_.write("cert.pem", made.cert_pem);
    folder_.write("key.pem", made.key_pem);
    return files_;
  }
  std::string refusal(const std::string& cert, const std::string& key) {
    folder_.write("cert.pem", cert);
    folder_.write("key.pem", key);
    const auto pair = TlsPair::read(files_, kBytesMax);
    return pair ? "taken" : pair.error().message;
  }

  FolderForTest folder_;
  TlsFiles files_{.cert = folder_.path("cert.pem"), .key = folder_.path("key.pem")};
};

TEST_F(TlsTest, TellsForWhomAndForHowLong) {
  const auto pair = TlsPair::read(write(make_certificate({.names = "DNS:ebb.example.com,IP:192.0.2.7,IP:2001:db8::1,email:a@b.example"})), kBytesMax);
  ASSERT_TRUE(pair) << pair.error().message;
  EXPECT_THAT((*pair)->names(), ElementsAre("ebb.example.com", "192.0.2.7", "2001:db8::1"));
  EXPECT_EQ((*pair)->ends() - (*pair)->begins(), std::chrono::days(31));
}

TEST_F(TlsTest, TakesAChainAndOneThatHasExpired) {
  const CertificateForTest ca = make_certificate({.is_ca = true});
  const CertificateForTest leaf = make_certificate({.issuer = &ca});
  EXPECT_EQ(refusal(leaf.cert_pem + ca.cert_pem, leaf.key_pem), "taken");
  EXPECT_EQ(refusal("some words before\n" + leaf.cert_pem, leaf.key_pem), "taken");
  const CertificateForTest old = make_certificate({.begins_days = -9, .ends_days = -1});
  EXPECT_EQ(refusal(old.cert_pem, old.key_pem), "taken");
}

TEST_F(TlsTest, RefusesWhatCannotServe) {
  const CertificateForTest one = make_certificate();
  const CertificateForTest other = make_certificate();
  const CertificateForTest locked = make_certificate({.passphrase = "secret"});
  const std::string half = one.cert_pem.substr(0, one.cert_pem.size() / 2);
  struct Row {
    std::string cert, key, why;
  };
  const Row rows[] = {{"", one.key_pem, "cert.pem: no certificate in PEM"},
                      {"words", one.key_pem, "cert.pem: no certificate in PEM"},
                      {half, one.key_pem, "cert.pem: no certificate in PEM"},
                      {one.key_pem, one.key_pem, "cert.pem: no certificate in PEM"},
                      {one.cert_pem + half, one.key_pem, "a certificate behind the first is damaged"},
                      {one.cert_pem, "", "key.pem: no private key in PEM"},
                      {one.cert_pem, one.cert_pem, "key.pem: no private key in PEM"},
                      {locked.cert_pem, locked.key_pem, "could be read without a passphrase"},
                      {one.cert_pem, other.key_pem, "is not that of the first certificate in"},
                      {other.cert_pem + one.cert_pem, one.key_pem, "is not that of the first certificate in"},
                      {std::string(kBytesMax + 1, ' '), one.key_pem, "cert.pem"}};
  for (const Row& row : rows)
    EXPECT_THAT(refusal(row.cert, row.key), HasSubstr(row.why));
  write(one);
  std::filesystem::remove(files_.key);
  EXPECT_EQ(TlsPair::read(files_, kBytesMax).error().kind, ErrorKind::kNotFound);
}

TEST_F(TlsTest, FilesAreReadOnceTheyHaveSettled) {
  const CertificateForTest first = make_certificate();
  const CertificateForTest second = make_certificate();
  const auto identity = *TlsIdentity::load(write(first), kBytesMax);
  EXPECT_EQ(identity->look(), TlsIdentity::Look::kSame);
  folder_.write("cert.pem", second.cert_pem);
  EXPECT_EQ(identity->look(), TlsIdentity::Look::kSame);  // just changed: its key may come next
  folder_.write("key.pem", second.key_pem);
  EXPECT_EQ(identity->look(), TlsIdentity::Look::kSame);
  EXPECT_EQ(identity->pair()->cert_pem(), first.cert_pem);
  EXPECT_EQ(identity->look(), TlsIdentity::Look::kReplaced);
  EXPECT_EQ(identity->pair()->cert_pem(), second.cert_pem);
  EXPECT_EQ(identity->look(), TlsIdentity::Look::kSame);
}

TEST_F(TlsTest, FilesThatAreReplacedByLinksAreSeen) {
  const CertificateForTest first = make_certificate();
  const CertificateForTest second = make_certificate();
  for (const auto& [name, made] : {std::pair{"1", &first}, std::pair{"2", &second}}) {
    std::filesystem::create_directory(folder_.path(name));
    folder_.write(std::string(name) + "/cert.pem", made->cert_pem);
    folder_.write(std::string(name) + "/key.pem", made->key_pem);
  }
  std::filesystem::create_directory_symlink("1", folder_.path("live"));
  const auto identity = *TlsIdentity::load({.cert = folder_.path("live/cert.pem"), .key = folder_.path("live/key.pem")}, kBytesMax);
  std::filesystem::create_directory_symlink("2", folder_.path("next"));
  std::filesystem::rename(folder_.path("next"), folder_.path("live"));
  EXPECT_EQ(identity->look(), TlsIdentity::Look::kSame);
  EXPECT_EQ(identity->look(), TlsIdentity::Look::kReplaced);
  EXPECT_EQ(identity->pair()->cert_pem(), second.cert_pem);
}

TEST_F(TlsTest, WhatIsBrokenIsToldOnceAndReplacesNothing) {
  const CertificateForTest first = make_certificate();
  const auto identity = *TlsIdentity::load(write(first), kBytesMax);
  folder_.write("key.pem", make_certificate().key_pem);
  identity->look();
  EXPECT_EQ(identity->look(), TlsIdentity::Look::kBroken);
  EXPECT_THAT(identity->problem(), HasSubstr("is not that of the first certificate"));
  EXPECT_EQ(identity->pair()->key_pem(), first.key_pem);
  EXPECT_EQ(identity->look(), TlsIdentity::Look::kSame);
  std::filesystem::remove(files_.cert);
  EXPECT_EQ(identity->reload(), TlsIdentity::Look::kBroken);
  write(first);
  EXPECT_EQ(identity->reload(), TlsIdentity::Look::kReplaced);
  EXPECT_EQ(identity->problem(), "");
}

}  // namespace
}  // namespace ebb::io
