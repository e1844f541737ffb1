// A file that is being written into the store's staging folder: hashed as it passes, in chunks of 2 MiB, locked against a second
// fetch of the same name. Removed when the object goes, unless it was published or kept for a resume.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "registry/content_store.h"
#include "registry/sha256.h"

namespace ebb::registry {

class StagedFile {
 public:
  // Opens or makes it. kExists: another fetch has it.
  static Result<StagedFile> open(const ContentStore& store, std::string name);
  StagedFile(StagedFile&& other) noexcept;
  StagedFile& operator=(StagedFile&&) = delete;
  ~StagedFile();

  // Bytes that are in it: after open(), what an earlier fetch left.
  uint64_t bytes() const { return bytes_; }

  // Reads what is there into the hash, so that writing goes on behind it. `progress` gets the bytes read so far.
  Status take_over(const std::function<void(uint64_t)>& progress);
  // Forgets what is there.
  Status restart();
  // Asks for room for the whole; kTooLarge if the disk has not that much.
  Status reserve(uint64_t whole_bytes);
  // kExhausted when the disk is full.
  Status write(std::span<const uint8_t> bytes);
  // Writes out what is buffered, so that it can be read by the descriptor.
  Status flush();
  // The same, and gives the digest of all.
  Result<domain::Digest> finish();
  // Into the store; the object is done. The file's lock holds until it goes.
  Status publish(const domain::Digest& digest);

  // What came is written out and stays when the object goes.
  void keep();

  int fd() const { return file_.get(); }

 private:
  StagedFile(const ContentStore& store, std::string name, Fd file, uint64_t bytes)
      : store_(&store), name_(std::move(name)), file_(std::move(file)), bytes_(bytes) {}

  const ContentStore* store_;
  std::string name_;
  Fd file_;
  uint64_t bytes_;               // with the buffer
  std::vector<uint8_t> buffer_;  // behind the last chunk's border
  uint64_t unsynced_ = 0;
  Sha256 hash_;
  enum class AtEnd { kRemove, kKeep, kNothing };
  AtEnd at_end_ = AtEnd::kRemove;
};

// The room that must stay free on the disk beside a model: for the catalog and the ledger.
inline constexpr uint64_t kDiskReserveBytes = 64ULL << 20U;

}  // namespace ebb::registry
