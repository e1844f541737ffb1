// One rule after the other.
#include "registry/layer_policy.h"

#include <fmt/format.h>

#include <algorithm>

#include "domain/limits.h"

namespace ebb::registry {

namespace {

constexpr std::string_view kWhiteout = ".wh.";
constexpr std::string_view kOpaque = ".wh..wh..opq";
constexpr int64_t kIdMax = UINT32_MAX - 1;  // the last one means "leave it"
constexpr int64_t kCommonIdMax = 65535;

// What is shown of a stranger's name: bounded, and without what steers a terminal.
std::string shown(std::string_view path) {
  std::string text(path.substr(0, 120));
  std::ranges::replace_if(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return text;
}

auto refused(const LayerEntry& entry, std::string_view why) {
  return fail(ErrorKind::kInvalid, fmt::format("the image is refused: its entry '{}' {}", shown(entry.path), why), "source");
}

// Empty: fine. "./", "." and "/" stand for the root itself, and what begins with "/" is below it: umoci writes such names too.
std::string_view wrong_path(std::string_view path) {
  if (path.empty()) return "has an empty name";
  if (path.find('\0') != std::string_view::npos) return "has a NUL byte in its name";
  if (path.size() > domain::kImagePathBytesMax) return "has a path that is too long";
  size_t depth = 0;
  while (!path.empty()) {
    const size_t slash = path.find('/');
    const std::string_view part = path.substr(0, slash);
    if (part == "..") return "leads upward by '..'";
    if (part.size() > domain::kImageNameBytesMax) return "has a name that is too long";
    depth += part.empty() || part == "." ? 0 : 1;
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
  }
  if (depth > domain::kImagePathDepthMax) return "is too deep";
  return {};
}

std::string_view last_of(std::string_view path) {
  while (path.ends_with('/'))
    path.remove_suffix(1);
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0
}

std::string_view wrong_whiteout(const LayerEntry& entry) {
  const std::string_view name = last_of(entry.path);
  if (!name.starts_with(kWhiteout)) return {};
  if (entry.type != LayerEntry::Type::kFile) return "is a whiteout that is no plain file";
  const std::string_view removed = name.substr(kWhiteout.size());
  if (removed.empty() || removed == "." || removed == "..") return "is a whiteout of nothing that could be removed";
  if (name.starts_with(".wh..wh.") && name != kOpaque) return "is a whiteout of an unknown kind";
  return {};
}

std::string_view wrong_target(const LayerEntry& entry) {
  if (entry.type == LayerEntry::Type::kHardLink) {
    if (const std::string_view wrong = wrong_path(entry.target); !wrong.empty()) return "is a hard link to what is not in the image";
  }
  if (entry.type == LayerEntry::Type::kSymlink) {
    // Where it leads is the sandbox's affair: it is resolved below the image's root, absolute or not.
    if (entry.target.empty() || entry.target.find('\0') != std::string::npos || entry.target.size() > domain::kImagePathBytesMax)
      return "is a symbolic link with a target that cannot be";
  }
  return {};
}

std::string_view wrong_attribute(const LayerEntry& entry) {
  for (const std::string& name : entry.attributes) {
    // Capabilities are taken away after unpacking; labels mean nothing here; trusted ones would turn a folder into something else.
    if (name.starts_with("user.") || name == "security.capability" || name == "security.selinux" || name.starts_with("system.posix_acl")) continue;
    return "has an extended attribute that images do not have";
  }
  return {};
}

}  // namespace

Status judge_entry(const LayerEntry& entry, LayerTally& tally) {
  if (++tally.entries > domain::kImageEntriesMax)
    return fail(ErrorKind::kTooLarge, fmt::format("the image has more than {} files", domain::kImageEntriesMax), "source");
  if (const std::string_view wrong = wrong_path(entry.path); !wrong.empty()) return refused(entry, wrong);
  if (const std::string_view wrong = wrong_whiteout(entry); !wrong.empty()) return refused(entry, wrong);
  if (const std::string_view wrong = wrong_target(entry); !wrong.empty()) return refused(entry, wrong);
  if (const std::string_view wrong = wrong_attribute(entry); !wrong.empty()) return refused(entry, wrong);
  if (entry.type == LayerEntry::Type::kOther) return refused(entry, "is of a type that images do not have");
  if (entry.user < 0 || entry.user > kIdMax || entry.group < 0 || entry.group > kIdMax) return refused(entry, "belongs to a user or group that cannot be");
  if (entry.bytes > domain::kImageUnpackedBytesMax - tally.bytes)
    return fail(ErrorKind::kTooLarge, fmt::format("the image unpacks to more than {} GiB", domain::kImageUnpackedBytesMax >> 30U), "source");
  tally.bytes += entry.bytes;
  tally.nodes += entry.type == LayerEntry::Type::kNode ? 1 : 0;
  tally.high_ids += entry.user > kCommonIdMax || entry.group > kCommonIdMax ? 1 : 0;
  return {};
}

Status judge_ratio(uint64_t unpacked_bytes, uint64_t layer_bytes) {
  if (unpacked_bytes <= domain::kImageRatioFreeBytes) return {};
  if ((unpacked_bytes - domain::kImageRatioFreeBytes) / domain::kImageRatioMax < layer_bytes) return {};
  return fail(ErrorKind::kTooLarge,
              fmt::format("the image is refused: a layer of {} bytes unpacks to more than {} times as much", layer_bytes, domain::kImageRatioMax), "source");
}

std::vector<std::string> notes_of(const LayerTally& tally) {
  std::vector<std::string> notes;
  if (tally.nodes > 0) notes.push_back(fmt::format("devices and pipes were left out ({}), since a sandbox has its own /dev", tally.nodes));
  if (tally.high_ids > 0)
    notes.push_back(fmt::format("some files ({}) belong to users or groups beyond {}, which a sandbox may not know", tally.high_ids, kCommonIdMax));
  return notes;
}

}  // namespace ebb::registry
