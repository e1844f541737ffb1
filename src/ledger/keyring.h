// Tenants and their keys: who sends a request, by the key that it has.
//
// Of a key's secret only HMAC-SHA-256 of it under the server's pepper is kept (FIPS 198-1), a file of its own beside the store: who reads the store alone can
// neither use a key nor try guesses. It is looked up by its public id, and compared in constant time.
//
// Lives on the server's loop. Verbs are durable before they return.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "domain/key.h"
#include "store/accounts.h"

struct evp_mac_ctx_st;

namespace ebb::ledger {

struct NewKey {
  std::string tenant;
  std::string label = {};
  domain::Scopes scopes{domain::Scope::kInvoke};
  domain::Priority highest = domain::Priority::kNormal;
  std::optional<WallTime> expires = {};
};

// A key that was just made. Its text is known here and nowhere else.
struct MadeKey {
  domain::Key key;
  std::string text;
};

// What a request is for, and what it says of itself.
struct Asked {
  domain::Scope scope = domain::Scope::kInvoke;
  std::string tenant = {};
  std::optional<domain::Priority> priority = {};
};

class Keyring {
 public:
  // Makes the pepper if there is none and no key needs one. `accounts` must outlive this.
  static Result<std::unique_ptr<Keyring>> load(store::Accounts& accounts, const std::filesystem::path& pepper_file);

  // Whether every route needs a key: as long as there is one that is not revoked, expired or not.
  bool locked() const { return unrevoked_ > 0; }
  // The same, and whether there is one to make others with.
  bool administered(WallTime now) const;
  // Who sends a request with this key (empty: with none), if it may do what it asks for. As long as there are no keys it is whoever it says, whatever key it
  // sends. Errors: kUnauthorized, and kForbidden for what its key does not allow. What is wrong with a key is only told to who has the whole of it.
  Result<domain::Principal> admit(std::string_view key, const Asked& asked, WallTime now) const;

  // HMAC-SHA-256 of a text under the pepper, in hex digits: for what only this server can have written. No hash of a key is one.
  std::string mac_of(std::string_view text) const;

  std::vector<domain::Tenant> tenants() const;  // by name
  std::vector<domain::Key> keys() const;        // the oldest first

  Result<domain::Tenant> add_tenant(const std::string& name, WallTime now);  // kInvalid, kExists
  // With its keys. kNotFound, and kExists as revoke(), and where no key would be left: that must be said of the last one itself.
  Status remove_tenant(const std::string& name, WallTime now);

  // kNotFound: no such tenant. kInvalid: scopes, or an end that is past. The first key must be one that can make others and does not expire, or nobody could
  // do anything with the server any more; so the last such key stays while there are others (kExists).
  Result<MadeKey> create(const NewKey& wanted, WallTime now);
  // A new key that may do the same and is of the same line; the old one ends after `overlap`. kNotFound.
  Result<MadeKey> rotate(const std::string& id, milliseconds overlap, WallTime now);
  Result<domain::Key> revoke(const std::string& id, WallTime now);

 private:
  using Pepper = std::array<uint8_t, 32>;
  using Mac = std::unique_ptr<evp_mac_ctx_st, void (*)(evp_mac_ctx_st*)>;
  Keyring(store::Accounts& accounts, const Pepper& pepper);

  Result<domain::Key> find(std::string_view text, WallTime now) const;
  std::string hash_of(std::string_view id, std::string_view secret) const;
  std::string mac_of_bytes(const std::string& text) const;
  MadeKey make(domain::Key key, store::StoredKey& stored) const;
  // Whether somebody could still administer this server if these keys were as given, the others as they are.
  Status check_governable(const std::vector<domain::Key>& changed, WallTime now) const;
  Status keep(std::vector<store::StoredKey> keys);
  void count();  // after a change of keys_

  store::Accounts& accounts_;
  Mac hmac_;  // begun with the pepper
  std::vector<domain::Tenant> tenants_;
  std::unordered_map<std::string, store::StoredKey> keys_;  // by id
  size_t unrevoked_ = 0;                                    // of them
};

}  // namespace ebb::ledger
