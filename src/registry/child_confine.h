// Takes from a child of ebb-fetch what its one task does not need: skopeo, umoci, and our own reading of what strangers packed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "registry/confine_parts.h"

namespace ebb::registry {

struct ChildRights {
  std::vector<PathRight> paths = {};
  // An absolute path. The child then works in this folder, in a mount namespace of its own in which everything else is read-only: there modes
  // and owners can be changed, which Landlock does not see. Empty: it stays where it is and may change no modes and owners.
  std::string changes = {};
  bool as_owner = false;      // root's rights over the files of all users, for unpacking
  bool program = false;       // becomes another program
  NetworkRight network = {};  // the system's files for names and certificates come with it
  uint64_t file_bytes_max = 0;
};

// The names of the layers that this kernel, or this user's rights, lack; empty when all hold. Once for a process, with one thread. Error: a
// layer that is there refused to work.
Result<std::vector<std::string>> confine_child(const ChildRights& rights);

// Root's rights over files and the right to mount, as they are held now.
bool holds_ownership();

// For ebb-fetch itself, before its first child: all rights that no child of it needs are gone.
Status keep_rights_of_children();

}  // namespace ebb::registry
