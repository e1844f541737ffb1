// Folders with everything in them: removing one, and making an unpacked root folder fit to be run from. No link is ever followed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/json.h"
#include "base/result.h"

namespace ebb::registry {

// Removes `name` below `parent`, whatever it is; nothing there is no error. `stop` is asked now and then: true ends it early (kCancelled).
Status remove_tree(int parent, const std::string& name, const std::function<bool()>& stop = {});

struct SealedTree {
  uint64_t bytes = 0;
  uint64_t entries = 0;
  uint64_t privileged = 0;  // files that lost setuid, setgid or file capabilities
  uint64_t nodes = 0;       // devices, pipes and sockets that were removed
};

// Walks the tree: takes from its files what would give rights to who runs them, and removes what is no file, folder or link. Changes the
// working directory of this process. Error: kTooLarge beyond the bounds of images, kCorrupt for what no unpacking makes.
Result<SealedTree> seal_tree(int root);

json::value to_json(const SealedTree& tree);
Result<SealedTree> sealed_tree_from_json(const json::value& value);

}  // namespace ebb::registry
