// Names from digests, and the order of syncs that makes publishing atomic: file, then its new name.
#include "registry/content_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <iterator>

#include "registry/files.h"
#include "registry/sha256.h"

namespace ebb::registry {

namespace {

constexpr size_t kNamesMax = 100'000;

std::string folder_of(const domain::Digest& digest) { return digest.hex().substr(0, 2); }
std::string path_of(const domain::Digest& digest) { return folder_of(digest) + "/" + digest.hex(); }

struct Staged {
  std::string name;
  uint64_t bytes = 0;
  int64_t changed = 0;  // seconds
};

bool is_digits(std::string_view text) {
  return text.size() == 64 && std::ranges::all_of(text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}
// "<64 digits>.part" may be resumed; its ".meta" goes with it.
bool is_resumable(std::string_view name) { return name.ends_with(".part") && is_digits(name.substr(0, name.size() - 5)); }

}  // namespace

Result<ContentStore> ContentStore::open(const std::string& directory) {
  Result<Fd> opened = open_store_directory(directory, "model store");
  if (!opened) return fail(opened.error());
  Result<ContentStore> store = adopt(std::move(*opened));
  if (!store) return fail(store.error().with_context(directory));
  return store;
}

Result<ContentStore> ContentStore::adopt(Fd directory) {
  Result<Fd> staging = open_or_make_directory(directory.get(), "staging");
  if (!staging) return fail(staging.error());
  Result<Fd> content = open_or_make_directory(directory.get(), "sha256");
  if (!content) return fail(content.error());
  return ContentStore(std::move(directory), std::move(*staging), std::move(*content));
}

Result<Fd> ContentStore::open(const domain::Digest& digest, std::optional<uint64_t> bytes) const {
  Result<Fd> file = open_beneath(content_.get(), path_of(digest), O_RDONLY | O_NONBLOCK);
  if (!file && file.error().kind == ErrorKind::kNotFound)
    return fail(ErrorKind::kNotFound, fmt::format("the model file sha256:{} is not in the store: add the model again", digest.hex()));
  if (!file) return file;
  const Result<struct stat> info = look_at(file->get());
  if (!info) return fail(info.error());
  // A second name would let somebody write to what everyone maps.
  if (!S_ISREG(info->st_mode) || info->st_nlink != 1)
    return fail(ErrorKind::kCorrupt, fmt::format("the stored model sha256:{} is not a plain file with one name: remove it and add it again", digest.hex()));
  if (bytes && static_cast<uint64_t>(info->st_size) != *bytes)
    return fail(ErrorKind::kCorrupt,
                fmt::format("the stored model sha256:{} has {} bytes instead of {}: remove it and add it again", digest.hex(), info->st_size, *bytes));
  return file;
}

Status ContentStore::verify(const domain::Digest& digest) const {
  const Result<Fd> file = open(digest);
  if (!file) return fail(file.error());
  Sha256 hash;
  std::vector<uint8_t> buffer(1U << 20U);
  for (;;) {
    const ssize_t got = ::read(file->get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_error("cannot read the stored model", errno));
    if (got == 0) break;
    hash.update({buffer.data(), static_cast<size_t>(got)});
  }
  if (hash.finish() == digest) return {};
  return fail(ErrorKind::kCorrupt, fmt::format("the stored model sha256:{} has changed on disk: remove it and add it again", digest.hex()));
}

Status ContentStore::remove(const domain::Digest& digest) const {
  const Result<Fd> folder = open_beneath(content_.get(), folder_of(digest), O_RDONLY | O_DIRECTORY);
  if (!folder) return fail(folder.error());
  if (::unlinkat(folder->get(), digest.hex().c_str(), 0) != 0) return fail(errno_error("cannot remove the stored model", errno));
  return sync(folder->get(), "the model store");
}

Result<std::vector<domain::Digest>> ContentStore::list() const {
  const Result<std::vector<std::string>> folders = names_in(content_.get(), 256);
  if (!folders) return fail(folders.error());
  std::vector<domain::Digest> all;
  for (const std::string& name : *folders) {
    const Result<Fd> folder = open_beneath(content_.get(), name, O_RDONLY | O_DIRECTORY);
    if (!folder) continue;
    const Result<std::vector<domain::Digest>> digests = digests_in(folder->get(), kNamesMax);
    if (!digests) return fail(digests.error());
    std::ranges::copy_if(*digests, std::back_inserter(all), [&name](const domain::Digest& digest) { return folder_of(digest) == name; });
  }
  return all;
}

Status ContentStore::publish(const std::string& staged_name, const domain::Digest& digest) const {
  const Result<Fd> staged = open_beneath(staging_.get(), staged_name, O_RDONLY);
  if (!staged) return fail(staged.error());
  if (::fchmod(staged->get(), 0444) != 0) return fail(errno_error("cannot make the model read-only", errno));
  if (Status synced = sync(staged->get(), "the model"); !synced) return synced;
  const Result<Fd> folder = open_or_make_directory(content_.get(), folder_of(digest));
  if (!folder) return fail(folder.error());
  if (verify(digest)) {
    if (::unlinkat(staging_.get(), staged_name.c_str(), 0) != 0) return fail(errno_error("cannot remove the staged copy", errno));
    return {};
  }
  if (::renameat(staging_.get(), staged_name.c_str(), folder->get(), digest.hex().c_str()) != 0) return fail(errno_error("cannot publish the model", errno));
  if (Status synced = sync(folder->get(), "the model store"); !synced) return synced;
  return sync(content_.get(), "the model store");
}

Result<size_t> ContentStore::clear_staging(WallTime now, const StagingKeep& keep) const {
  const Result<std::vector<std::string>> names = names_in(staging_.get(), kNamesMax);
  if (!names) return fail(names.error());
  size_t removed = 0;
  const auto drop = [&](const std::string& name) { removed += ::unlinkat(staging_.get(), name.c_str(), 0) == 0 ? 1 : 0; };
  const int64_t oldest = std::chrono::duration_cast<seconds>(now.time_since_epoch() - keep.age_max).count();
  std::vector<Staged> kept;
  for (const std::string& name : *names) {
    if (name.ends_with(".meta")) continue;
    const Result<Fd> file = open_beneath(staging_.get(), name, O_RDONLY | O_NONBLOCK);
    if (file && !try_lock(file->get())) continue;  // a fetch of another server's is at it
    const Result<struct stat> info = file ? look_at(file->get()) : fail(file.error());
    const bool plain = info && S_ISREG(info->st_mode);
    if (plain && is_resumable(name) && info->st_mtim.tv_sec >= oldest) {
      kept.push_back({.name = name, .bytes = static_cast<uint64_t>(info->st_blocks) * 512, .changed = info->st_mtim.tv_sec});
    } else {
      drop(name);
    }
  }
  std::ranges::sort(kept, std::greater{}, &Staged::changed);
  uint64_t total = 0;
  std::erase_if(kept, [&](const Staged& staged) {
    total += staged.bytes;
    if (total > keep.bytes_max) drop(staged.name);
    return total > keep.bytes_max;
  });
  for (const std::string& name : *names) {
    const bool has_part =
        ::faccessat(staging_.get(), (name.substr(0, name.size() - std::min<size_t>(name.size(), 5)) + ".part").c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
    if (name.ends_with(".meta") && !has_part) drop(name);
  }
  return removed;
}

Result<uint64_t> ContentStore::free_bytes() const {
  struct statvfs info {};
  if (::fstatvfs(directory_.get(), &info) != 0) return fail(errno_error("cannot see how full the disk is", errno));
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

}  // namespace ebb::registry
