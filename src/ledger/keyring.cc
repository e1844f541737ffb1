// What the store has is also here: a request asks no disk.
#include "ledger/keyring.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <algorithm>
#include <span>

#include "base/check.h"
#include "domain/endpoint.h"
#include "domain/limits.h"
#include "io/files.h"

namespace ebb::ledger {

namespace {

constexpr size_t kHashBytes = 32;
constexpr milliseconds kOverlapMax = std::chrono::hours(24 * 90);

template <size_t N>
Result<std::array<uint8_t, N>> random_bytes() {
  std::array<uint8_t, N> bytes{};
  if (RAND_bytes(bytes.data(), static_cast<int>(N)) != 1) return fail(ErrorKind::kInternal, "the system gives no random numbers");
  return bytes;
}

std::string hex_of(std::span<const uint8_t> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const uint8_t byte : bytes) {
    out += kDigits[byte >> 4U];
    out += kDigits[byte & 15U];
  }
  return out;
}

std::optional<uint8_t> digit_of(char c) {
  if (c >= '0' && c <= '9') return static_cast<uint8_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<uint8_t>(c - 'a' + 10);
  return std::nullopt;
}

template <size_t N>
std::optional<std::array<uint8_t, N>> bytes_of(std::string_view hex) {
  if (hex.size() != 2 * N) return std::nullopt;
  std::array<uint8_t, N> bytes{};
  for (size_t i = 0; i < N; ++i) {
    const auto high = digit_of(hex[2 * i]);
    const auto low = digit_of(hex[2 * i + 1]);
    if (!high || !low) return std::nullopt;
    bytes[i] = static_cast<uint8_t>(*high << 4U | *low);
  }
  return bytes;
}

template <size_t N>
Result<std::array<uint8_t, N>> read_or_make(const std::filesystem::path& file, bool needed) {
  const Result<std::string> text = io::read_small_file(file, 4096);
  if (text) {
    const auto bytes = bytes_of<N>(std::string_view(*text).substr(0, text->find('\n')));
    if (bytes) return *bytes;
    return fail(ErrorKind::kCorrupt, fmt::format("{} is not as it was made: without it no key is known; put it back from a copy", file.string()));
  }
  if (text.error().kind != ErrorKind::kNotFound) return fail(text.error());
  if (needed) return fail(ErrorKind::kCorrupt, fmt::format("{} is missing: without it no key is known; put it back from a copy", file.string()));
  Result<std::array<uint8_t, N>> made = random_bytes<N>();
  if (!made) return made;
  if (Status written = io::write_file_atomic(file, hex_of(*made) + "\n"); !written) return fail(written.error());
  return made;
}

std::unexpected<Error> not_known() {
  return fail(ErrorKind::kUnauthorized, "the key is not known here: `ebb key ls` lists those that are, and `ebb key create` makes one");
}

}  // namespace

Result<std::unique_ptr<Keyring>> Keyring::load(store::Accounts& accounts, const std::filesystem::path& pepper_file) {
  Result<std::vector<store::StoredKey>> keys = accounts.keys();
  if (!keys) return fail(keys.error());
  Result<std::vector<domain::Tenant>> tenants = accounts.tenants();
  if (!tenants) return fail(tenants.error());
  const Result<Pepper> pepper = read_or_make<std::tuple_size_v<Pepper>>(pepper_file, !keys->empty());
  if (!pepper) return fail(pepper.error());
  std::unique_ptr<Keyring> ring(new Keyring(accounts, *pepper));
  ring->tenants_ = std::move(*tenants);
  for (store::StoredKey& stored : *keys)
    ring->keys_.emplace(stored.key.id, std::move(stored));
  ring->count();
  return ring;
}

Keyring::Keyring(store::Accounts& accounts, const Pepper& pepper) : accounts_(accounts), hmac_(nullptr, EVP_MAC_CTX_free) {
  const std::unique_ptr<EVP_MAC, void (*)(EVP_MAC*)> kind(EVP_MAC_fetch(nullptr, "HMAC", nullptr), EVP_MAC_free);
  EBB_CHECK(kind);
  hmac_.reset(EVP_MAC_CTX_new(kind.get()));
  std::string digest = "SHA256";
  const std::array<OSSL_PARAM, 2> how{OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest.data(), 0), OSSL_PARAM_construct_end()};
  EBB_CHECK(hmac_ && EVP_MAC_init(hmac_.get(), pepper.data(), pepper.size(), how.data()) == 1);
}

void Keyring::count() {
  unrevoked_ = static_cast<size_t>(std::ranges::count_if(keys_, [](const auto& entry) { return !entry.second.key.revoked; }));
}

std::string Keyring::hash_of(std::string_view id, std::string_view secret) const { return mac_of_bytes(std::string(id) + "." + std::string(secret)); }

// No id of a key has a line feed.
std::string Keyring::mac_of(std::string_view text) const { return mac_of_bytes("text\n" + std::string(text)); }

std::string Keyring::mac_of_bytes(const std::string& text) const {
  // A copy of one that has the pepper already: to begin anew would take three times as long.
  const Mac mac(EVP_MAC_CTX_dup(hmac_.get()), EVP_MAC_CTX_free);
  std::array<uint8_t, kHashBytes> hash{};
  size_t size = 0;
  EBB_CHECK(mac && EVP_MAC_update(mac.get(), reinterpret_cast<const uint8_t*>(text.data()), text.size()) == 1 &&
            EVP_MAC_final(mac.get(), hash.data(), &size, hash.size()) == 1 && size == hash.size());
  return hex_of(hash);
}

Result<domain::Key> Keyring::find(std::string_view text, WallTime now) const {
  const Result<domain::KeyParts> parts = domain::read_key(text);
  if (!parts) return fail(parts.error());
  const auto found = keys_.find(parts->id);
  // An id that is not known takes as long as one that is.
  static const std::string kNobodys(2 * kHashBytes, '0');
  const std::string hash = hash_of(parts->id, parts->secret);
  const std::string& kept = found == keys_.end() ? kNobodys : found->second.hash;
  const bool same = kept.size() == hash.size() && CRYPTO_memcmp(kept.data(), hash.data(), hash.size()) == 0;
  if (!same || found == keys_.end()) return not_known();
  const domain::Key& key = found->second.key;
  if (key.revoked) return fail(ErrorKind::kUnauthorized, "the key was revoked");
  if (!key.usable(now)) return fail(ErrorKind::kUnauthorized, "the key has expired");
  return key;
}

Result<domain::Principal> Keyring::admit(std::string_view text, const Asked& asked, WallTime now) const {
  if (!locked()) return domain::Principal{.tenant = asked.tenant};
  if (text.empty()) return fail(ErrorKind::kUnauthorized, "a key is needed here: send it as 'Authorization: Bearer KEY' (for the commands of ebb: EBB_KEY)");
  const Result<domain::Key> key = find(text, now);
  if (!key) return fail(key.error());
  if (!key->scopes.has(asked.scope))
    return fail(ErrorKind::kForbidden,
                fmt::format("this needs a key with the scope {}; that of key {} is {}", to_string(asked.scope), key->id, to_string(key->scopes)));
  // Who administers may act for others; everybody else is who the key says.
  const bool for_another = !asked.tenant.empty() && asked.tenant != key->tenant;
  if (for_another && !key->scopes.has(domain::Scope::kAdmin))
    return fail(ErrorKind::kForbidden, "the key says whose account this is on: leave the header 'Ebb-Tenant' out", "Ebb-Tenant");
  if (asked.priority && *asked.priority < key->highest)
    return fail(ErrorKind::kForbidden,
                fmt::format("key {} may ask for the class {} at most, not {}", key->id, to_string(key->highest), to_string(*asked.priority)), "Ebb-Priority");
  return domain::Principal{.tenant = for_another ? asked.tenant : key->tenant, .key = key->line, .scopes = key->scopes, .highest = key->highest};
}

std::vector<domain::Tenant> Keyring::tenants() const { return tenants_; }

std::vector<domain::Key> Keyring::keys() const {
  std::vector<domain::Key> all;
  for (const auto& [id, stored] : keys_)
    all.push_back(stored.key);
  std::ranges::sort(all, {}, [](const domain::Key& key) { return std::pair(key.created, key.id); });
  return all;
}

Result<domain::Tenant> Keyring::add_tenant(const std::string& name, WallTime now) {
  if (!domain::is_name(name))
    return fail(ErrorKind::kInvalid, fmt::format("'{}' is no name for a tenant: {}", name.substr(0, 80), domain::kNameRule), "tenant");
  if (tenants_.size() >= domain::kTenantsMax) return fail(ErrorKind::kExhausted, fmt::format("there are {} tenants already", domain::kTenantsMax));
  domain::Tenant tenant{.name = name, .created = now};
  if (Status put = accounts_.put_tenant(tenant); !put) return fail(put.error());
  tenants_.insert(std::ranges::lower_bound(tenants_, name, {}, &domain::Tenant::name), tenant);
  return tenant;
}

Status Keyring::remove_tenant(const std::string& name, WallTime now) {
  const auto tenant = std::ranges::find(tenants_, name, &domain::Tenant::name);
  if (tenant == tenants_.end()) return fail(ErrorKind::kNotFound, fmt::format("there is no tenant '{}'", name.substr(0, 80)), "tenant");
  std::vector<domain::Key> without;
  for (const auto& [id, stored] : keys_) {
    if (stored.key.tenant == name) without.push_back(stored.key);
  }
  for (domain::Key& key : without)
    key.revoked = key.revoked.value_or(now);
  if (Status governable = check_governable(without, now); !governable) return governable;
  const bool unlocks = locked() && std::ranges::all_of(keys_, [&](const auto& entry) { return entry.second.key.revoked || entry.second.key.tenant == name; });
  if (unlocks)
    return fail(ErrorKind::kExists,
                fmt::format("the last keys of all are those of '{}', and without any nobody needs one: revoke them first, if that is what you want", name),
                "tenant");
  if (Status removed = accounts_.delete_tenant(name); !removed) return removed;
  for (const domain::Key& key : without)
    keys_.erase(key.id);
  count();
  tenants_.erase(tenant);
  return {};
}

bool Keyring::administered(WallTime now) const {
  return std::ranges::any_of(keys_, [now](const auto& entry) { return entry.second.key.usable(now) && entry.second.key.scopes.has(domain::Scope::kAdmin); });
}

Status Keyring::check_governable(const std::vector<domain::Key>& changed, WallTime now) const {
  std::vector<domain::Key> then = changed;
  for (const auto& [id, stored] : keys_) {
    if (std::ranges::find(changed, id, &domain::Key::id) == changed.end()) then.push_back(stored.key);
  }
  const bool any = std::ranges::any_of(then, [](const domain::Key& key) { return !key.revoked; });
  const bool governed =
      std::ranges::any_of(then, [&](const domain::Key& key) { return key.usable(now) && !key.expires && key.scopes.has(domain::Scope::kAdmin); });
  if (!any || governed) return {};
  return fail(
      ErrorKind::kExists,
      "nobody could administer this server then, since every route needs a key as long as there are any: one with the scope admin that does not expire must be "
      "there first of all (`ebb key create --tenant NAME --scope admin`), and as long as there are others",
      "scopes");
}

MadeKey Keyring::make(domain::Key key, store::StoredKey& stored) const {
  domain::KeySecret secret{};
  uint64_t id = 0;
  if (RAND_bytes(secret.data(), static_cast<int>(secret.size())) != 1 || RAND_bytes(reinterpret_cast<unsigned char*>(&id), sizeof id) != 1)
    return {};  // told by the caller: an empty text
  key.id = domain::write_key_id(id);
  if (key.line.empty()) key.line = key.id;
  MadeKey made{.key = key, .text = domain::write_key(key.id, secret)};
  const Result<domain::KeyParts> parts = domain::read_key(made.text);
  stored = {.key = std::move(key), .hash = hash_of(parts->id, parts->secret)};
  return made;
}

Status Keyring::keep(std::vector<store::StoredKey> keys) {
  if (Status put = accounts_.put_keys(keys); !put) return put;
  for (store::StoredKey& stored : keys) {
    const std::string id = stored.key.id;
    keys_[id] = std::move(stored);
  }
  count();
  return {};
}

namespace {

std::unexpected<Error> no_random() { return fail(ErrorKind::kInternal, "the system gives no random numbers"); }

}  // namespace

Result<MadeKey> Keyring::create(const NewKey& wanted, WallTime now) {
  if (std::ranges::find(tenants_, wanted.tenant, &domain::Tenant::name) == tenants_.end())
    return fail(ErrorKind::kNotFound, fmt::format("there is no tenant '{}': `ebb tenant add` makes one", wanted.tenant.substr(0, 80)), "tenant");
  if (wanted.scopes.empty()) return fail(ErrorKind::kInvalid, "'scopes' is empty: a key may at least invoke, read, deploy or admin", "scopes");
  if (wanted.expires && *wanted.expires <= now) return fail(ErrorKind::kInvalid, "'expires' is past", "expires");
  if (wanted.label.size() > domain::kKeyLabelBytesMax)
    return fail(ErrorKind::kInvalid, fmt::format("'label' may have {} bytes", domain::kKeyLabelBytesMax), "label");
  if (keys_.size() >= domain::kKeysMax) return fail(ErrorKind::kExhausted, fmt::format("there are {} keys already", domain::kKeysMax));
  store::StoredKey stored;
  MadeKey made = make(
      {.tenant = wanted.tenant, .label = wanted.label, .scopes = wanted.scopes, .highest = wanted.highest, .created = now, .expires = wanted.expires}, stored);
  if (made.text.empty()) return no_random();
  if (Status governable = check_governable({made.key}, now); !governable) return fail(governable.error());
  if (Status kept = keep({std::move(stored)}); !kept) return fail(kept.error());
  return made;
}

Result<MadeKey> Keyring::rotate(const std::string& id, milliseconds overlap, WallTime now) {
  const auto found = keys_.find(id);
  if (found == keys_.end() || !found->second.key.usable(now))
    return fail(ErrorKind::kNotFound, fmt::format("there is no key '{}' that can be used", id.substr(0, 40)), "key");
  if (overlap < milliseconds(0) || overlap > kOverlapMax) return fail(ErrorKind::kInvalid, "'overlap' must be from 0 to 90 days", "overlap");
  domain::Key next = found->second.key;
  next.created = now;
  store::StoredKey stored;
  MadeKey made = make(std::move(next), stored);
  if (made.text.empty()) return no_random();
  store::StoredKey old = found->second;
  old.key.expires = std::min(old.key.expires.value_or(now + overlap), now + overlap);
  if (Status kept = keep({std::move(old), std::move(stored)}); !kept) return fail(kept.error());
  return made;
}

Result<domain::Key> Keyring::revoke(const std::string& id, WallTime now) {
  const auto found = keys_.find(id);
  if (found == keys_.end()) return fail(ErrorKind::kNotFound, fmt::format("there is no key '{}'", id.substr(0, 40)), "key");
  store::StoredKey revoked = found->second;
  revoked.key.revoked = revoked.key.revoked.value_or(now);
  if (Status governable = check_governable({revoked.key}, now); !governable) return fail(governable.error());
  domain::Key key = revoked.key;
  if (Status kept = keep({std::move(revoked)}); !kept) return fail(kept.error());
  return key;
}

}  // namespace ebb::ledger
