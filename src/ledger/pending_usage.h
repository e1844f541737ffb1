// Usage records that are not in the store yet, in a mapped file: what a killed process had appended is there still, and so is what was synced when a machine
// loses power; the next server writes it.
//
// The file is as large as the longest backlog and written when it is made, so that a full disk cannot keep a record out and a sync writes the records' pages
// and nothing else. It has two halves: while the records of one are written to the store, new ones go to the other, and the first is emptied when the store has
// synced them. A record that is in both is written once, by its call's id. Each record has a checksum, and the first that is wrong ends its half; what
// lies behind the end of a half was in the store before the half was emptied.
//
// Not thread-safe but for sync(). An append costs a copy of some 200 bytes, and no call of the system.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <utility>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "domain/limits.h"
#include "domain/usage.h"

namespace ebb::ledger {

class PendingUsage {
 public:
  // Makes the file if there is none. Errors: kIo, kExhausted.
  static Result<PendingUsage> open(const std::filesystem::path& file);
  ~PendingUsage();
  PendingUsage(PendingUsage&& other) noexcept;
  PendingUsage& operator=(PendingUsage&&) = delete;

  // Of both halves.
  std::vector<domain::UsageRecord> records() const;
  // False: there is no room.
  bool append(const domain::UsageRecord& record);
  // What was appended before is on the disk. From any thread, also while another appends. Error kIo: nobody knows what of it is.
  Status sync() const;

  // All records that are there are about to be written: new ones go to the other half, if that is empty.
  void begin_writing();
  // Those are in the store. `appended`: and others came since begin_writing().
  void end_writing(bool appended);

 private:
  static constexpr size_t kRecordBytesMax = 512;
  static constexpr size_t kHalfBytes = (domain::kUsageBacklogMax * kRecordBytesMax + 4095) / 4096 * 4096;
  PendingUsage(Fd file, char* bytes) : file_(std::move(file)), bytes_(bytes) {}

  std::span<char> half(int which) const { return {bytes_ + static_cast<size_t>(which) * kHalfBytes, kHalfBytes}; }
  bool empty(int which) const;
  void clear(int which);

  Fd file_;
  char* bytes_;  // of both halves, mapped
  int current_ = 0;
  std::array<size_t, 2> used_{};
};

}  // namespace ebb::ledger
