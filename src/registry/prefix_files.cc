// Names are derived, so what else is in the folder is not ours and goes.
#include "registry/prefix_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/random.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>
#include <vector>

#include "base/check.h"
#include "domain/prefix_limits.h"
#include "io/files.h"
#include "registry/files.h"

namespace ebb::registry {

namespace {

constexpr const char* kSecretName = "secret";
constexpr size_t kNamesMax = 100'000;
constexpr size_t kEndpointDigits = 16;
constexpr size_t kRestDigits = 32;

bool is_prefix_name(std::string_view name) {
  const auto digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return name.size() == kEndpointDigits + 1 + kRestDigits && name[kEndpointDigits] == '-' &&
         std::ranges::count_if(name, digit) == static_cast<ptrdiff_t>(kEndpointDigits + kRestDigits);
}

// What the file takes on the disk; holes take nothing.
uint64_t disk_bytes(int file) {
  const Result<struct stat> info = look_at(file);
  return info ? static_cast<uint64_t>(info->st_blocks) * 512 : 0;
}

}  // namespace

PrefixBounds default_prefix_bounds() {
  return {.file_bytes_max = domain::kPrefixFileBytesMax, .bytes_max = domain::kPrefixFilesBytesMax, .disk_bytes_free = domain::kPrefixDiskBytesFree};
}

Result<PrefixFiles> PrefixFiles::open(const std::string& folder, PrefixBounds bounds) {
  Result<Fd> directory = open_store_directory(folder, "folder of prefixes");
  if (!directory) return fail(directory.error());
  Secret secret{};
  bool is_new = false;
  const std::filesystem::path path = std::filesystem::path(folder) / kSecretName;
  if (const Result<std::string> kept = io::read_small_file(path, secret.size()); kept && kept->size() == secret.size()) {
    std::memcpy(secret.data(), kept->data(), secret.size());
  } else {
    is_new = true;
    if (::getrandom(secret.data(), secret.size(), 0) != static_cast<ssize_t>(secret.size())) return fail(errno_error("no randomness for a secret", errno));
    if (const Status written = io::write_file_atomic(path, {reinterpret_cast<const char*>(secret.data()), secret.size()}); !written)
      return fail(written.error());
  }
  PrefixFiles files(std::move(*directory), secret, bounds);
  files.take_over();
  if (is_new) files.drop_all();
  return files;
}

void PrefixFiles::drop_all() {
  for (const auto& [name, known] : files_)
    ::unlinkat(folder_.get(), name.c_str(), 0);
  files_.clear();
}

void PrefixFiles::take_over() {
  const Result<std::vector<std::string>> names = names_in(folder_.get(), kNamesMax);
  if (!names) return;
  std::vector<std::pair<int64_t, std::string>> by_age;
  for (const std::string& name : *names) {
    if (name == kSecretName) continue;
    const Result<Fd> file = is_prefix_name(name) ? open_beneath(folder_.get(), name, O_RDONLY | O_NONBLOCK) : fail(ErrorKind::kInvalid, "not a name of ours");
    const Result<struct stat> info = file ? look_at(file->get()) : fail(file.error());
    if (!info || !S_ISREG(info->st_mode) || info->st_nlink != 1) {
      ::unlinkat(folder_.get(), name.c_str(), 0);
      continue;
    }
    files_[name].bytes = disk_bytes(file->get());
    by_age.emplace_back(info->st_mtim.tv_sec, name);
  }
  std::ranges::sort(by_age);
  for (const auto& [age, name] : by_age)
    files_[name].used = ++loans_;
}

std::optional<PrefixFiles::Loan> PrefixFiles::lend(WorkerId worker, const std::string& endpoint, const domain::Digest& model, int64_t context_tokens) {
  const std::string of = fmt::format("{}\n{}\n{}", endpoint, model.hex(), context_tokens);
  const std::string name = name_prefix(endpoint) + derived("name", of).hex().substr(0, kRestDigits);
  const auto known = files_.find(name);
  if (known != files_.end() && known->second.lent) return std::nullopt;
  Known mine = known == files_.end() ? Known{} : known->second;
  files_.erase(name);  // not to be what makes room
  Result<Fd> file = make_room() ? open_beneath(folder_.get(), name, O_RDWR | O_CREAT, 0600) : fail(ErrorKind::kExhausted, "no room for prefixes");
  if (!file) {
    if (mine.bytes > 0) files_.emplace(name, mine);
    return std::nullopt;
  }
  mine.lent = worker;
  mine.used = ++loans_;
  files_[name] = mine;
  const domain::Digest key = derived("key", of);
  return Loan{.file = std::move(*file), .key = std::string(key.bytes.begin(), key.bytes.end())};
}

bool PrefixFiles::make_room() {
  struct statvfs disk {};
  if (::fstatvfs(folder_.get(), &disk) != 0 || static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize < bounds_.disk_bytes_free) return false;
  while (bytes() + bounds_.file_bytes_max > bounds_.bytes_max) {
    auto oldest = files_.end();
    for (auto each = files_.begin(); each != files_.end(); ++each) {
      if (!each->second.lent && (oldest == files_.end() || each->second.used < oldest->second.used)) oldest = each;
    }
    if (oldest == files_.end()) return false;
    ::unlinkat(folder_.get(), oldest->first.c_str(), 0);
    files_.erase(oldest);
  }
  return true;
}

void PrefixFiles::give_back(WorkerId worker) {
  const auto found = std::ranges::find_if(files_, [worker](const auto& entry) { return entry.second.lent == worker; });
  if (found == files_.end()) return;
  const Result<Fd> file = open_beneath(folder_.get(), found->first, O_RDONLY);
  found->second.lent.reset();
  found->second.bytes = file ? disk_bytes(file->get()) : 0;
  if (found->second.bytes > 0) return;
  ::unlinkat(folder_.get(), found->first.c_str(), 0);
  files_.erase(found);
}

void PrefixFiles::remove(const std::string& endpoint) {
  const std::string prefix = name_prefix(endpoint);
  std::erase_if(files_, [&](const auto& entry) {
    if (!entry.first.starts_with(prefix)) return false;
    ::unlinkat(folder_.get(), entry.first.c_str(), 0);
    return true;
  });
}

uint64_t PrefixFiles::bytes() const {
  uint64_t sum = 0;
  for (const auto& [name, known] : files_)
    sum += known.lent ? bounds_.file_bytes_max : known.bytes;
  return sum;
}

domain::Digest PrefixFiles::derived(std::string_view purpose, std::string_view of) const {
  const std::string text = fmt::format("{}\n{}", purpose, of);
  domain::Digest digest;
  unsigned size = 0;
  EBB_CHECK(::HMAC(EVP_sha256(), secret_.data(), static_cast<int>(secret_.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                   digest.bytes.data(), &size) != nullptr &&
            size == digest.bytes.size());
  return digest;
}

std::string PrefixFiles::name_prefix(const std::string& endpoint) const { return derived("endpoint", endpoint).hex().substr(0, kEndpointDigits) + "-"; }

}  // namespace ebb::registry
