// Renames between folders of one file system; syncs before a name is given and after.
#include "registry/image_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>

#include "registry/files.h"

namespace ebb::registry {

namespace {

// A hundred layers for each of a thousand images.
constexpr size_t kNamesMax = 200'000;

Result<std::string> path_of(int directory) {
  std::array<char, PATH_MAX> path{};
  const ssize_t length = ::readlink(fmt::format("/proc/self/fd/{}", directory).c_str(), path.data(), path.size());
  if (length <= 0 || path[0] != '/') return fail(errno_error("cannot tell where the image store is", errno));
  return std::string(path.data(), static_cast<size_t>(length));
}

Error missing(const std::string& what) {
  return {.kind = ErrorKind::kNotFound, .message = fmt::format("{} is not in the store any more: add the image again", what), .param = "image"};
}

}  // namespace

Result<ImageStore> ImageStore::open(const std::string& directory) {
  Result<Fd> opened = open_store_directory(directory, "image store");
  if (!opened) return fail(opened.error());
  Result<ImageStore> store = adopt(std::move(*opened));
  if (!store) return fail(store.error().with_context(directory));
  return store;
}

Result<ImageStore> ImageStore::adopt(Fd directory) {
  Result<std::string> path = path_of(directory.get());
  if (!path) return fail(path.error());
  Result<Fd> staging = open_or_make_directory(directory.get(), "staging");
  if (!staging) return fail(staging.error());
  const Result<Fd> all_blobs = open_or_make_directory(directory.get(), "blobs");
  if (!all_blobs) return fail(all_blobs.error());
  Result<Fd> blobs = open_or_make_directory(all_blobs->get(), "sha256");
  if (!blobs) return fail(blobs.error());
  Result<Fd> roots = open_or_make_directory(directory.get(), "roots");
  if (!roots) return fail(roots.error());
  return ImageStore(std::move(directory), std::move(*staging), std::move(*blobs), std::move(*roots), std::move(*path));
}

Result<std::string> ImageStore::new_staging() const {
  std::string name = "fetch-XXXXXX";
  const std::string pattern = path_ + "/staging/" + name;
  std::string made = pattern;
  if (::mkdtemp(made.data()) == nullptr) return fail(errno_error("cannot make a staging folder for the image", errno));
  return made.substr(made.size() - name.size());
}

Status ImageStore::publish_blob(const std::string& staged, const domain::Digest& digest) const {
  const Result<Fd> file = open_beneath(staging_.get(), staged, O_RDONLY | O_NONBLOCK);
  if (!file) return fail(file.error());
  const Result<struct stat> info = look_at(file->get());
  if (!info) return fail(info.error());
  if (!S_ISREG(info->st_mode) || info->st_nlink != 1) return fail(ErrorKind::kCorrupt, "a layer of the image is no plain file with one name", "source");
  if (::fchmod(file->get(), 0444) != 0) return fail(errno_error("cannot make a layer read-only", errno));
  if (Status synced = sync(file->get(), "a layer"); !synced) return synced;
  if (::renameat(staging_.get(), staged.c_str(), blobs_.get(), digest.hex().c_str()) != 0) return fail(errno_error("cannot publish a layer", errno));
  return sync(blobs_.get(), "the image store");
}

Status ImageStore::publish_root(const std::string& staged, const domain::Digest& manifest) const {
  const Result<Fd> root = open_beneath(staging_.get(), staged, O_RDONLY | O_DIRECTORY);
  if (!root) return fail(root.error());
  // Who is not root can move only folders that they may write to.
  struct stat info {};
  if (::fstat(root->get(), &info) != 0 || ::fchmod(root->get(), (info.st_mode & 07777) | S_IRWXU) != 0)
    return fail(errno_error("cannot prepare the unpacked image", errno));
  // One call for a hundred thousand files; it also waits for what others wrote there.
  if (::syncfs(root->get()) != 0) return fail(errno_error("cannot sync the unpacked image", errno));
  if (::renameat(staging_.get(), staged.c_str(), roots_.get(), manifest.hex().c_str()) != 0) {
    if (errno == ENOTEMPTY || errno == EEXIST) return {};
    return fail(errno_error("cannot publish the unpacked image", errno));
  }
  return sync(roots_.get(), "the image store");
}

Status ImageStore::check(const domain::Digest& manifest, const domain::ImageFacts& facts) const {
  struct stat info {};
  const auto look = [&](int folder, const domain::Digest& digest) { return ::fstatat(folder, digest.hex().c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0; };
  for (const domain::ImageLayer& layer : facts.layers) {
    if (!look(blobs_.get(), layer.digest)) return fail(missing(fmt::format("the layer sha256:{}", layer.digest.hex())));
    if (!S_ISREG(info.st_mode) || static_cast<uint64_t>(info.st_size) != layer.bytes)
      return fail(ErrorKind::kCorrupt, fmt::format("the stored layer sha256:{} is damaged: remove the image and add it again", layer.digest.hex()), "image");
  }
  if (!look(blobs_.get(), facts.config_digest) || !look(blobs_.get(), manifest)) return fail(missing("the image's manifest"));
  if (!look(roots_.get(), manifest) || !S_ISDIR(info.st_mode)) return fail(missing("the unpacked image"));
  return {};
}

bool ImageStore::has(const domain::ImageLayer& layer) const {
  struct stat info {};
  return ::fstatat(blobs_.get(), layer.digest.hex().c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode) &&
         static_cast<uint64_t>(info.st_size) == layer.bytes;
}

std::string ImageStore::blob_path(const domain::Digest& digest) const { return path_ + "/blobs/sha256/" + digest.hex(); }
std::string ImageStore::root_path(const domain::Digest& manifest) const { return path_ + "/roots/" + manifest.hex(); }

Result<std::vector<domain::Digest>> ImageStore::blobs() const { return digests_in(blobs_.get(), kNamesMax); }
Result<std::vector<domain::Digest>> ImageStore::roots() const { return digests_in(roots_.get(), kNamesMax); }
Result<std::vector<std::string>> ImageStore::staged() const { return names_in(staging_.get(), kNamesMax); }

Status ImageStore::remove_blob(const domain::Digest& digest) const {
  if (::unlinkat(blobs_.get(), digest.hex().c_str(), 0) != 0 && errno != ENOENT) return fail(errno_error("cannot remove a stored layer", errno));
  return {};
}

Result<std::optional<std::string>> ImageStore::retire_root(const domain::Digest& manifest) const {
  const Result<std::string> folder = new_staging();
  if (!folder) return fail(folder.error());
  const std::string place = *folder + "/root";
  if (::renameat(roots_.get(), manifest.hex().c_str(), staging_.get(), place.c_str()) == 0) return std::optional(*folder);
  const int why = errno;
  ::unlinkat(staging_.get(), folder->c_str(), AT_REMOVEDIR);
  if (why == ENOENT) return std::optional<std::string>();
  return fail(errno_error("cannot remove the unpacked image", why));
}

Result<uint64_t> ImageStore::free_bytes() const {
  struct statvfs info {};
  if (::fstatvfs(directory_.get(), &info) != 0) return fail(errno_error("cannot see how full the disk is", errno));
  return static_cast<uint64_t>(info.f_bavail) * info.f_frsize;
}

}  // namespace ebb::registry
