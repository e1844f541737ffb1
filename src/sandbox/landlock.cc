// An empty ruleset: everything that the kernel can handle is handled, nothing is allowed.
#include "sandbox/landlock.h"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

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

}  // namespace

Landlock forbid_files() {
  const long version = ::syscall(SYS_landlock_create_ruleset, nullptr, 0, kAskVersion);
  if (version < 1) return {.active = false, .detail = fmt::format("the kernel has none: {}", std::strerror(errno))};
  const RulesetAttributes attributes = everything(version);
  const long ruleset = ::syscall(SYS_landlock_create_ruleset, &attributes, size_for(version), 0);
  if (ruleset < 0) return {.active = false, .detail = fmt::format("no ruleset: {}", std::strerror(errno))};
  const bool done = ::syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
  const int error = errno;
  ::close(static_cast<int>(ruleset));
  if (!done) return {.active = false, .detail = fmt::format("not applied: {}", std::strerror(error))};
  return {.active = true,
          .detail = fmt::format("version {}: no file{}{}", version, version >= 4 ? ", no TCP port" : "",
                                version >= 6 ? ", no signal or abstract socket outside" : "")};
}

}  // namespace ebb::sandbox
