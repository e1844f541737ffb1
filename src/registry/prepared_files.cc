// Names of digests and checked keys only; published by rename.
#include "registry/prepared_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "registry/files.h"

namespace ebb::registry {

namespace {

constexpr size_t kNamesMax = 100'000;
constexpr size_t kKeyBytesMax = 100;

}  // namespace

bool is_prepared_key(std::string_view key) {
  const auto plain = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); };
  return !key.empty() && key.size() <= kKeyBytesMax && plain(key.front()) && std::ranges::all_of(key, [&](char c) { return plain(c) || c == '.' || c == '-'; });
}

Result<PreparedFiles> PreparedFiles::open(const ContentStore& store) {
  Result<Fd> folder = open_or_make_directory(store.directory(), "prepared");
  if (!folder) return fail(folder.error());
  return PreparedFiles(store, std::move(*folder));
}

std::optional<Fd> PreparedFiles::find(const domain::Digest& digest, const std::string& key) const {
  if (!is_prepared_key(key)) return std::nullopt;
  Result<Fd> file = open_beneath(folder_.get(), digest.hex() + "/" + key, O_RDONLY | O_NONBLOCK);
  if (!file) return std::nullopt;
  const Result<struct stat> info = look_at(file->get());
  if (!info || !S_ISREG(info->st_mode) || info->st_nlink != 1 || info->st_size == 0) return std::nullopt;
  return std::move(*file);
}

Result<Fd> PreparedFiles::stage(const std::string& name) const {
  drop_staged(name);
  return open_beneath(store_->staging(), name, O_RDWR | O_CREAT | O_EXCL, 0600);
}

void PreparedFiles::drop_staged(const std::string& name) const { ::unlinkat(store_->staging(), name.c_str(), 0); }

Status PreparedFiles::publish(const std::string& staged_name, const domain::Digest& digest, const std::string& key) const {
  EBB_CHECK(is_prepared_key(key));
  const Result<Fd> staged = open_beneath(store_->staging(), staged_name, O_RDONLY);
  if (!staged) return fail(staged.error());
  if (::fchmod(staged->get(), 0444) != 0) return fail(errno_error("cannot make the prepared file read-only", errno));
  if (Status synced = sync(staged->get(), "the prepared file"); !synced) return synced;
  const Result<Fd> folder = open_or_make_directory(folder_.get(), digest.hex());
  if (!folder) return fail(folder.error());
  if (::renameat(store_->staging(), staged_name.c_str(), folder->get(), key.c_str()) != 0) return fail(errno_error("cannot keep the prepared file", errno));
  const Result<std::vector<std::string>> names = names_in(folder->get(), kNamesMax);
  if (!names) return fail(names.error());
  for (const std::string& name : *names) {
    if (name != key) ::unlinkat(folder->get(), name.c_str(), 0);
  }
  return sync(folder->get(), "the prepared files");
}

Status PreparedFiles::remove(const domain::Digest& digest) const {
  const Result<Fd> folder = open_beneath(folder_.get(), digest.hex(), O_RDONLY | O_DIRECTORY);
  if (!folder) return folder.error().kind == ErrorKind::kNotFound ? Status() : fail(folder.error());
  const Result<std::vector<std::string>> names = names_in(folder->get(), kNamesMax);
  if (!names) return fail(names.error());
  for (const std::string& name : *names)
    ::unlinkat(folder->get(), name.c_str(), 0);
  if (::unlinkat(folder_.get(), digest.hex().c_str(), AT_REMOVEDIR) != 0) return fail(errno_error("cannot remove what was prepared", errno));
  return {};
}

Result<std::vector<domain::Digest>> PreparedFiles::list() const { return digests_in(folder_.get(), kNamesMax); }

}  // namespace ebb::registry
