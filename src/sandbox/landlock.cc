// Everything that the kernel can handle is handled; allowed is nothing, or little.
#include "sandbox/landlock.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/fd.h"

namespace ebb::sandbox {

namespace {

// As in <linux/landlock.h>, whose older versions lack what newer kernels know.
struct RulesetAttributes {
  uint64_t files;
  uint64_t network;
  uint64_t scopes;
};
constexpr uint32_t kAskVersion = 1;

uint64_t bits(int count) { return (uint64_t{1} << count) - 1; }

// Rights by version: 13 for files at first, then refer (2), truncate (3), ioctl on devices (5); two for TCP (4); two scopes (6).
RulesetAttributes everything(long version) {
  RulesetAttributes attributes{};
  attributes.files = bits(version >= 5 ? 16 : version >= 3 ? 15 : version >= 2 ? 14 : 13);
  attributes.network = version >= 4 ? bits(2) : 0;
  attributes.scopes = version >= 6 ? bits(2) : 0;
  return attributes;
}

size_t size_for(long version) {
  return version >= 6 ? sizeof(RulesetAttributes) : version >= 4 ? offsetof(RulesetAttributes, scopes) : offsetof(RulesetAttributes, network);
}

// As in <linux/landlock.h>.
struct [[gnu::packed]] RuleForPath {
  uint64_t allowed;
  int32_t place;
};
constexpr int kRuleForPath = 1;
constexpr uint64_t kReadFile = uint64_t{1} << 2U;
constexpr uint64_t kReadFolder = uint64_t{1} << 3U;
constexpr uint64_t kConnect = uint64_t{1} << 1U;

bool allow(int ruleset, const char* path) {
  const Fd place(::open(path, O_PATH | O_CLOEXEC));
  if (!place) return true;
  struct stat about {};
  if (::fstat(place.get(), &about) != 0) return false;
  const RuleForPath rule{.allowed = S_ISDIR(about.st_mode) ? kReadFile | kReadFolder : kReadFile, .place = place.get()};
  return ::syscall(SYS_landlock_add_rule, ruleset, kRuleForPath, &rule, 0) == 0;
}

Landlock not_applied(const char* what) { return {.active = false, .detail = fmt::format("{}: {}", what, std::strerror(errno))}; }

Landlock restrict(std::span<const char* const> readable, uint64_t network_allowed) {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kAskVersion);
  if (version < 1) return not_applied("the kernel has none");
  RulesetAttributes attributes = everything(version);
  attributes.network &= ~network_allowed;
  const Fd ruleset(static_cast<int>(::syscall(SYS_landlock_create_ruleset, &attributes, size_for(version), 0)));
  if (!ruleset) return not_applied("no ruleset");
  for (const char* const path : readable) {
    if (!allow(ruleset.get(), path)) return not_applied(path);
  }
  if (::syscall(SYS_landlock_restrict_self, ruleset.get(), 0) != 0) return not_applied("not applied");
  const std::string_view files = readable.empty() ? "no file" : "no file but those that names need";
  const std::string_view ports = version < 4 ? "" : network_allowed == 0 ? ", no TCP port" : ", no listening on a TCP port";
  return {.active = true, .detail = fmt::format("version {}: {}{}{}", version, files, ports, version >= 6 ? ", no signal or abstract socket outside" : "")};
}

}  // namespace

Landlock forbid_files() { return restrict({}, 0); }
Landlock allow_reading(std::span<const char* const> places) { return restrict(places, kConnect); }

}  // namespace ebb::sandbox
