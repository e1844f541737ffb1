// One descriptor for each level of depth.
#include "registry/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <memory>
#include <string_view>

#include "base/fd.h"
#include "domain/limits.h"
#include "registry/files.h"

namespace ebb::registry {

namespace {

// Beyond what unpacking makes: a tree that was left by something else is still to be removed.
constexpr size_t kRemoveDepthMax = 1024;

using Folder = std::unique_ptr<DIR, int (*)(DIR*)>;

// A folder to be read; one whose owner may not read it is made readable first.
Result<Folder> open_folder(int parent, const char* name) {
  constexpr int kFlags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  int fd = ::openat(parent, name, kFlags);
  if (fd < 0 && errno == EACCES && ::fchmodat(parent, name, 0700, 0) == 0) fd = ::openat(parent, name, kFlags);
  if (fd < 0) return fail(errno_error(fmt::format("cannot open the folder {}", name), errno));
  Folder folder(::fdopendir(fd), ::closedir);
  if (!folder) ::close(fd);
  if (!folder) return fail(errno_error("cannot list a folder", errno));
  return folder;
}

const char* next_name(DIR* folder) {
  while (const dirent* entry = ::readdir(folder)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") return entry->d_name;
  }
  return nullptr;
}

Status clear(int parent, const char* name, const std::function<bool()>& stop, size_t depth) {
  if (depth > kRemoveDepthMax) return fail(ErrorKind::kTooLarge, "a folder is too deep to be removed");
  const Result<Folder> folder = open_folder(parent, name);
  if (!folder) return fail(folder.error());
  const int fd = ::dirfd(folder->get());
  bool made_writable = false;
  while (const char* inner = next_name(folder->get())) {
    if (stop && stop()) return fail(ErrorKind::kCancelled, "stopped");
    if (::unlinkat(fd, inner, 0) == 0) continue;
    if (errno == EACCES && !made_writable) {
      made_writable = true;
      if (::fchmod(fd, 0700) == 0 && ::unlinkat(fd, inner, 0) == 0) continue;
    }
    if (errno != EISDIR) return fail(errno_error(fmt::format("cannot remove {}", inner), errno));
    if (Status cleared = clear(fd, inner, stop, depth + 1); !cleared) return cleared;
    if (::unlinkat(fd, inner, AT_REMOVEDIR) != 0 && (::fchmod(fd, 0700) != 0 || ::unlinkat(fd, inner, AT_REMOVEDIR) != 0))
      return fail(errno_error(fmt::format("cannot remove {}", inner), errno));
  }
  return {};
}

class Seal {
 public:
  Status folder(int parent, const char* name, size_t depth);
  const SealedTree& tree() const { return tree_; }

 private:
  Status entry(int folder, const char* name, size_t depth);
  Status file(int folder, const char* name, const struct stat& info);
  SealedTree tree_;
};

Status Seal::folder(int parent, const char* name, size_t depth) {
  if (depth > domain::kImagePathDepthMax)
    return fail(ErrorKind::kTooLarge, fmt::format("the image has folders more than {} deep", domain::kImagePathDepthMax), "source");
  const Result<Folder> opened = open_folder(parent, name);
  if (!opened) return fail(opened.error());
  const int fd = ::dirfd(opened->get());
  while (const char* inner = next_name(opened->get())) {
    // Attributes of links are reached only by a path; a deeper folder has moved us meanwhile.
    if (::fchdir(fd) != 0) return fail(errno_error("cannot enter a folder of the image", errno));
    if (Status sound = entry(fd, inner, depth); !sound) return sound;
  }
  return {};
}

Status Seal::entry(int folder_fd, const char* name, size_t depth) {
  struct stat info {};
  if (::fstatat(folder_fd, name, &info, AT_SYMLINK_NOFOLLOW) != 0) return fail(errno_error(fmt::format("cannot look at {}", name), errno));
  if (++tree_.entries > domain::kImageEntriesMax)
    return fail(ErrorKind::kTooLarge, fmt::format("the image has more than {} files", domain::kImageEntriesMax), "source");
  tree_.bytes += static_cast<uint64_t>(info.st_blocks) * 512;
  if (tree_.bytes > domain::kImageUnpackedBytesMax)
    return fail(ErrorKind::kTooLarge, fmt::format("the image unpacks to more than {} GiB", domain::kImageUnpackedBytesMax >> 30U), "source");
  if (S_ISDIR(info.st_mode)) return folder(folder_fd, name, depth + 1);
  if (S_ISREG(info.st_mode)) return file(folder_fd, name, info);
  if (S_ISLNK(info.st_mode)) return {};
  ++tree_.nodes;
  if (::unlinkat(folder_fd, name, 0) != 0) return fail(errno_error(fmt::format("cannot remove the device {}", name), errno));
  return {};
}

Status Seal::file(int folder_fd, const char* name, const struct stat& info) {
  const bool by_mode = (info.st_mode & (S_ISUID | S_ISGID)) != 0;
  if (by_mode && ::fchmodat(folder_fd, name, info.st_mode & 01777, 0) != 0) return fail(errno_error(fmt::format("cannot take setuid from {}", name), errno));
  const bool by_attribute = ::lgetxattr(name, "security.capability", nullptr, 0) >= 0;
  if (by_attribute && ::lremovexattr(name, "security.capability") != 0) return fail(errno_error(fmt::format("cannot take capabilities from {}", name), errno));
  tree_.privileged += by_mode || by_attribute ? 1 : 0;
  return {};
}

}  // namespace

Status remove_tree(int parent, const std::string& name, const std::function<bool()>& stop) {
  if (::unlinkat(parent, name.c_str(), 0) == 0 || errno == ENOENT) return {};
  if (errno != EISDIR) return fail(errno_error(fmt::format("cannot remove {}", name), errno));
  if (Status cleared = clear(parent, name.c_str(), stop, 0); !cleared) return cleared;
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0) return fail(errno_error(fmt::format("cannot remove {}", name), errno));
  return {};
}

Result<SealedTree> seal_tree(int root) {
  Seal seal;
  if (Status walked = seal.folder(root, ".", 0); !walked) return fail(walked.error());
  return seal.tree();
}

json::value to_json(const SealedTree& tree) {
  return {{"bytes", tree.bytes}, {"entries", tree.entries}, {"privileged", tree.privileged}, {"nodes", tree.nodes}};
}

Result<SealedTree> sealed_tree_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  const auto count = [&](std::string_view key) { return static_cast<uint64_t>(reader.integer(key, 0, std::numeric_limits<int64_t>::max()).value_or(0)); };
  const SealedTree tree{.bytes = count("bytes"), .entries = count("entries"), .privileged = count("privileged"), .nodes = count("nodes")};
  if (!reader.ok()) return fail(reader.error());
  return tree;
}

}  // namespace ebb::registry
