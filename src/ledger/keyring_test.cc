// Who may do what: keys by their text, their scopes, their ends; and that somebody can always administer.
#include "ledger/keyring.h"

#include <gtest/gtest.h>

#include <fstream>

#include "io/files.h"
#include "io/folder_for_test.h"

namespace ebb::ledger {
namespace {

using domain::Scope;

constexpr WallTime kNow{seconds(1'800'000'000)};

class Keys : public testing::Test {
 protected:
  Keys() { open(); }
  void open() {
    ring_.reset();
    accounts_.reset();
    accounts_ = std::move(*store::Accounts::open(home_.path()));
    Result<std::unique_ptr<Keyring>> ring = Keyring::load(*accounts_, home_.path() / "key-pepper");
    ASSERT_TRUE(ring) << ring.error().message;
    ring_ = std::move(*ring);
  }
  // An installation with an admin, and a tenant that may invoke.
  void fill() {
    ASSERT_TRUE(ring_->add_tenant("us", kNow));
    ASSERT_TRUE(ring_->add_tenant("acme", kNow));
    admin_ = *ring_->create({.tenant = "us", .scopes = {Scope::kAdmin}, .highest = domain::Priority::kCritical}, kNow);
    acme_ = *ring_->create({.tenant = "acme", .label = "web", .scopes = {Scope::kInvoke, Scope::kRead}}, kNow);
  }
  ErrorKind refused(std::string_view key, const Asked& asked, WallTime now = kNow) {
    const auto principal = ring_->admit(key, asked, now);
    return principal ? ErrorKind::kInternal : principal.error().kind;
  }

  io::FolderForTest home_;
  std::unique_ptr<store::Accounts> accounts_;
  std::unique_ptr<Keyring> ring_;
  MadeKey admin_;
  MadeKey acme_;
};

TEST_F(Keys, WithoutAnyEverybodyIsWhoTheySay) {
  EXPECT_FALSE(ring_->locked());
  EXPECT_FALSE(ring_->administered(kNow));
  const auto anybody = ring_->admit("", {.scope = Scope::kAdmin, .tenant = "acme"}, kNow);
  ASSERT_TRUE(anybody);
  EXPECT_EQ(anybody->tenant, "acme");
  EXPECT_FALSE(anybody->sees());
  EXPECT_TRUE(ring_->admit("sk-anything", {}, kNow)) << "clients send all kinds of things";
}

TEST_F(Keys, WithOneEverybodyNeedsOne) {
  fill();
  EXPECT_TRUE(ring_->locked());
  EXPECT_TRUE(ring_->administered(kNow));
  EXPECT_EQ(refused("", {}), ErrorKind::kUnauthorized);
  EXPECT_EQ(refused("sk-anything", {}), ErrorKind::kUnauthorized);
  const auto acme = ring_->admit(acme_.text, {}, kNow);
  ASSERT_TRUE(acme);
  EXPECT_EQ(acme->tenant, "acme");
  EXPECT_EQ(acme->key, acme_.key.id);
  EXPECT_EQ(acme->sees(), "acme");
}

TEST_F(Keys, EachMayDoWhatItsScopesSay) {
  fill();
  EXPECT_TRUE(ring_->admit(acme_.text, {.scope = Scope::kRead}, kNow));
  EXPECT_EQ(refused(acme_.text, {.scope = Scope::kDeploy}), ErrorKind::kForbidden);
  EXPECT_EQ(refused(acme_.text, {.scope = Scope::kAdmin}), ErrorKind::kForbidden);
  EXPECT_EQ(refused(acme_.text, {.tenant = "us"}), ErrorKind::kForbidden);
  EXPECT_EQ(ring_->admit(admin_.text, {.tenant = "acme"}, kNow)->tenant, "acme") << "who administers may act for others";
  EXPECT_EQ(refused(acme_.text, {.priority = domain::Priority::kCritical}), ErrorKind::kForbidden);
  EXPECT_TRUE(ring_->admit(acme_.text, {.priority = domain::Priority::kBatch}, kNow));
  EXPECT_TRUE(ring_->admit(admin_.text, {.priority = domain::Priority::kCritical}, kNow));
}

TEST_F(Keys, AreKnownAfterARestartAndNobodyFindsTheirTextOnTheDisk) {
  fill();
  open();
  EXPECT_EQ(ring_->admit(acme_.text, {}, kNow)->key, acme_.key.id);
  EXPECT_EQ(ring_->keys().size(), 2U);
  const std::string secret = acme_.text.substr(17, 20);
  for (const auto& entry : std::filesystem::directory_iterator(home_.path())) {
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(file)), {});
    EXPECT_EQ(bytes.find(secret), std::string::npos) << entry.path();
    EXPECT_EQ(std::filesystem::status(entry.path()).permissions() & (std::filesystem::perms::group_all | std::filesystem::perms::others_all),
              std::filesystem::perms::none)
        << entry.path();
  }
}

TEST_F(Keys, EndWhenTheyExpireOrAreRevoked) {
  fill();
  const MadeKey brief = *ring_->create({.tenant = "acme", .expires = kNow + seconds(10)}, kNow);
  EXPECT_TRUE(ring_->admit(brief.text, {}, kNow + seconds(9)));
  EXPECT_EQ(refused(brief.text, {}, kNow + seconds(10)), ErrorKind::kUnauthorized);
  ASSERT_TRUE(ring_->revoke(acme_.key.id, kNow));
  EXPECT_EQ(ring_->admit(acme_.text, {}, kNow).error().message, "the key was revoked");
  EXPECT_FALSE(ring_->create({.tenant = "acme", .expires = kNow}, kNow));
  EXPECT_EQ(ring_->create({.tenant = "nobody"}, kNow).error().kind, ErrorKind::kNotFound);
  EXPECT_EQ(ring_->create({.tenant = "acme", .scopes = {}}, kNow).error().param, "scopes");
}

TEST_F(Keys, ARotationKeepsTheLineAndOverlaps) {
  fill();
  const MadeKey next = *ring_->rotate(acme_.key.id, seconds(60), kNow);
  EXPECT_EQ(next.key.line, acme_.key.id);
  EXPECT_EQ(ring_->admit(next.text, {}, kNow)->key, acme_.key.id) << "budgets and bills go on";
  EXPECT_TRUE(ring_->admit(acme_.text, {}, kNow + seconds(59)));
  EXPECT_EQ(refused(acme_.text, {}, kNow + seconds(60)), ErrorKind::kUnauthorized);
  EXPECT_TRUE(ring_->admit(next.text, {}, kNow + seconds(60)));
  const MadeKey admin = *ring_->rotate(admin_.key.id, seconds(0), kNow);
  EXPECT_TRUE(ring_->admit(admin.text, {.scope = Scope::kAdmin}, kNow));
  EXPECT_EQ(refused(admin_.text, {}, kNow), ErrorKind::kUnauthorized);
  EXPECT_FALSE(ring_->rotate("unknown", seconds(0), kNow));
  EXPECT_FALSE(ring_->rotate(next.key.id, std::chrono::hours(24 * 91), kNow));
}

TEST_F(Keys, SomebodyCanAlwaysAdminister) {
  ASSERT_TRUE(ring_->add_tenant("us", kNow));
  EXPECT_EQ(ring_->create({.tenant = "us"}, kNow).error().kind, ErrorKind::kExists) << "the first must be able to make others";
  EXPECT_FALSE(ring_->create({.tenant = "us", .scopes = {Scope::kAdmin}, .expires = kNow + seconds(9)}, kNow));
  const MadeKey admin = *ring_->create({.tenant = "us", .scopes = {Scope::kAdmin}}, kNow);
  const MadeKey other = *ring_->create({.tenant = "us"}, kNow);
  EXPECT_EQ(ring_->revoke(admin.key.id, kNow).error().kind, ErrorKind::kExists);
  ASSERT_TRUE(ring_->add_tenant("acme", kNow));
  ASSERT_TRUE(ring_->create({.tenant = "acme"}, kNow));
  EXPECT_EQ(ring_->remove_tenant("us", kNow).error().kind, ErrorKind::kExists);
  ASSERT_TRUE(ring_->remove_tenant("acme", kNow));
  ASSERT_TRUE(ring_->revoke(other.key.id, kNow));
  EXPECT_EQ(ring_->remove_tenant("us", kNow).error().kind, ErrorKind::kExists) << "that nobody needs a key any more is not said by the way";
  ASSERT_TRUE(ring_->revoke(admin.key.id, kNow)) << "the last of all";
  EXPECT_FALSE(ring_->locked());
  EXPECT_FALSE(ring_->administered(kNow));
}

TEST_F(Keys, ATenantGoesWithItsKeys) {
  fill();
  ASSERT_TRUE(ring_->remove_tenant("acme", kNow));
  EXPECT_EQ(refused(acme_.text, {}), ErrorKind::kUnauthorized);
  open();
  EXPECT_EQ(ring_->tenants().size(), 1U);
  EXPECT_EQ(ring_->keys().size(), 1U);
  EXPECT_EQ(ring_->remove_tenant("acme", kNow).error().kind, ErrorKind::kNotFound);
}

TEST_F(Keys, NamesOfTenantsAreNames) {
  for (const char* name : {"", "Acme", "a b", "a/b", "'; DROP TABLE keys; --", "a\r\nX: y", "\xff", ".."})
    EXPECT_EQ(ring_->add_tenant(name, kNow).error().kind, ErrorKind::kInvalid) << name;
  ASSERT_TRUE(ring_->add_tenant("acme", kNow));
  EXPECT_EQ(ring_->add_tenant("acme", kNow).error().kind, ErrorKind::kExists);
}

TEST_F(Keys, WithoutThePepperNoneIsKnownAndThatIsSaid) {
  fill();
  ring_.reset();
  accounts_.reset();
  accounts_ = std::move(*store::Accounts::open(home_.path()));
  for (const char* text : {"", "00", "not hex at all, and much too long to be one, since it has more than sixty-four characters"}) {
    ASSERT_TRUE(io::write_file_atomic(home_.path() / "key-pepper", text));
    const auto ring = Keyring::load(*accounts_, home_.path() / "key-pepper");
    ASSERT_FALSE(ring);
    EXPECT_EQ(ring.error().kind, ErrorKind::kCorrupt);
  }
  std::filesystem::remove(home_.path() / "key-pepper");
  EXPECT_EQ(Keyring::load(*accounts_, home_.path() / "key-pepper").error().kind, ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace ebb::ledger
