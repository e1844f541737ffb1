// What the confinements of ebb-fetch and of its children are made of. Each part is called at most once in a process, while that has one thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace ebb::registry {

// No new privileges, and of the capabilities only those (CAP_…) that are named and held.
Status keep_capabilities(std::initializer_list<int> kept);
// The same; also nobody may look into this process any more, itself included: what it writes in /proc comes before.
Status drop_privileges(std::initializer_list<int> kept = {});

struct ResourceLimits {
  uint64_t file_bytes_max = 0;
  uint64_t memory_bytes_max = 0;  // of address space; 0: not bounded
  uint64_t data_bytes_max = 0;    // of written memory; 0: not bounded
  uint64_t files_max = 64;
};
Status limit_resources(const ResourceLimits& limits);

// What may be done with a file, or below a folder.
enum class PathUse {
  kRead,     // also to map executable: Landlock counts it as reading
  kExecute,  // as kRead
  kStore,    // as kRead; to make, write, rename and remove plain files, and to make folders
  kBuild,    // as kStore; also links, devices and pipes, and to remove folders
};
struct PathRight {
  int place = -1;  // a descriptor; O_PATH will do
  PathUse use = PathUse::kRead;
};

// Files of the system that HTTPS needs: names, certificates, libraries. Those that are missing are passed over.
std::vector<Fd> open_system_files();

struct NetworkRight {
  bool allowed = false;
  std::vector<uint16_t> ports = {};  // TCP only to these, where the kernel can tell; empty: to all
};
// By Landlock. False: this kernel has none, or not enough of it.
Result<bool> restrict_files(std::span<const PathRight> rights, const NetworkRight& network);

struct CallRights {
  bool network = false;  // sockets of the internet, local ones and route netlink
  bool code = false;     // to make pages executable: libraries, and a program that is still to be started
  bool program = false;  // to become another program; other processes never
  bool links = false;
  bool nodes = false;       // to make devices and pipes
  bool attributes = false;  // to change modes, owners, times and extended attributes, which Landlock does not see
};
// By seccomp: a list of what is denied. False: this kernel has none.
Result<bool> deny_calls(const CallRights& rights);

}  // namespace ebb::registry
