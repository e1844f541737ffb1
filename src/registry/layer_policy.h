// What an entry of a layer may be. Pure: the rules that tests hold row by row.
//
// umoci resolves every path below the root and a child of ebb-fetch can write nowhere else; these rules refuse what only an attack has, before
// anything is unpacked, and say what it was.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ebb::registry {

struct LayerEntry {
  enum class Type { kFile, kFolder, kSymlink, kHardLink, kNode, kOther };  // kNode: device, pipe or socket
  Type type = Type::kFile;
  std::string path;
  std::string target = {};  // of links
  uint64_t bytes = 0;       // as it would be on the disk, holes filled
  uint32_t mode = 0;        // with setuid and setgid
  int64_t user = 0;
  int64_t group = 0;
  std::vector<std::string> attributes = {};  // names of extended attributes
};

// What was met in all layers of an image, against its bounds, and for its notes.
struct LayerTally {
  uint64_t entries = 0;
  uint64_t bytes = 0;
  uint64_t nodes = 0;
  uint64_t high_ids = 0;  // files of users or groups beyond 65535
};

// Error: kInvalid or kTooLarge, param "source", naming the entry. Adds the entry to the tally.
Status judge_entry(const LayerEntry& entry, LayerTally& tally);

// Refused as a bomb: so many bytes of so small a layer.
Status judge_ratio(uint64_t unpacked_bytes, uint64_t layer_bytes);

// Sentences for people, from all that was met.
std::vector<std::string> notes_of(const LayerTally& tally);

}  // namespace ebb::registry
