// Model files by their content: <directory>/sha256/<first two digits>/<64 digits>, and <directory>/staging/ for what is not whole yet.
//
// A file has its final name only when it is complete, hashed, checked and synced; the same content is stored once. Paths are made of
// digests' bytes, never of text from outside, and are resolved beneath the directory without links. Published files are read-only.
//
// On "2 MiB aligned": a file is written from its first byte in chunks of 2 MiB, preallocated where its size is known, so that the file
// system can give it large extents and the page cache large folios, and a mapping of the whole file at a 2 MiB boundary can use huge
// pages. Where the tensors begin inside the file is the file's own affair: GGUF aligns them to 32 bytes after the header.
//
// One thread at a time for each object; several processes may use one directory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"
#include "domain/model.h"

namespace ebb::registry {

// Unfinished downloads are kept for a resume, but not for ever and not without bound.
struct StagingKeep {
  std::chrono::hours age_max{7 * 24};
  uint64_t bytes_max = 64ULL << 30U;
};

class ContentStore {
 public:
  // Makes the folders where they are missing. Error: kIo and its kin, with the path.
  static Result<ContentStore> open(const std::string& directory);
  // Over an open directory that open() has prepared: for ebb-fetch, which is not told where it is.
  static Result<ContentStore> adopt(Fd directory);

  // Read-only, close-on-exec. kNotFound; kCorrupt if what is there is no plain file or has not `bytes` bytes.
  Result<Fd> open(const domain::Digest& digest, std::optional<uint64_t> bytes = std::nullopt) const;
  // Hashes the stored file. kCorrupt if it is not what its name says.
  Status verify(const domain::Digest& digest) const;
  // kNotFound if there is no such file. Who has it open or mapped keeps it until they let go.
  Status remove(const domain::Digest& digest) const;
  // Everything with a final name.
  Result<std::vector<domain::Digest>> list() const;

  // Gives the staged file of that name its final one: synced before and after. If the content is there already and sound, the staged
  // file goes; if what is there is damaged, it is replaced.
  Status publish(const std::string& staged_name, const domain::Digest& digest) const;

  // Removes what no running fetch holds and nobody can resume; returns how many files went.
  Result<size_t> clear_staging(WallTime now, const StagingKeep& keep = {}) const;

  // What an ordinary user may still write to the file system of the store.
  Result<uint64_t> free_bytes() const;

  int directory() const { return directory_.get(); }
  int staging() const { return staging_.get(); }

 private:
  ContentStore(Fd directory, Fd staging, Fd content) : directory_(std::move(directory)), staging_(std::move(staging)), content_(std::move(content)) {}

  Fd directory_;
  Fd staging_;
  Fd content_;
};

}  // namespace ebb::registry
