// Usage records on their way to the disk, in two steps: a thread syncs the file of those that are pending (pending_usage.h), some milliseconds after a call
// ended, and writes all that wait to the store in one transaction, some tens of milliseconds later or when somebody asks the store.
//
// append() never blocks, so a warm call waits for no sync. What a killed server had appended is in the mapped file, and the next one writes
// it; what a machine that loses power can lose is what the last few milliseconds ended. When the disk refuses (full, read-only, failing), records stay here,
// bounded by kUsageBacklogMax, `changed` says so, and writing is tried again each second until it works: the platform takes no new calls meanwhile, and needs
// no restart afterwards. After a failed write that is not for want of space, the store is opened anew first: what a failed sync has left behind is not built
// upon.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "domain/usage.h"
#include "ledger/pending_usage.h"
#include "store/usage_store.h"

namespace ebb::ledger {

// Below this much free space nothing new is accepted, so that what runs can still be billed: the longest backlog takes 5 MB.
inline constexpr uint64_t kFreeBytesMin = 16ULL << 20U;
// Bills that may wait for the writer.
inline constexpr size_t kUsageQueriesMax = 64;

struct UsageLogOptions {
  uint64_t free_bytes_min = kFreeBytesMin;
  milliseconds retry_pause{1000};        // while it cannot write
  milliseconds space_check_pause{5000};  // while nothing is to be written
  milliseconds gather_pause{2};          // from the first record to its sync
  milliseconds store_pause{50};          // from the first record to its transaction, unless so many wait that it pays
};

class UsageLog {
 public:
  // Called on the writer's thread whenever it changes, beginning from writable: (false, why) or (true, "").
  using Changed = std::function<void(bool writable, const std::string& why)>;

  // What a killed server left, into the store. A full disk is no error: it stays there, and is tried again.
  static Status recover(store::UsageStore& store, const std::filesystem::path& home);

  // Looks for free space at once, before any record.
  UsageLog(std::unique_ptr<store::UsageStore> store, std::filesystem::path home, Changed changed, UsageLogOptions options = {});
  // Writes what waits, once, answers what was asked, and ends the thread.
  ~UsageLog();
  UsageLog(const UsageLog&) = delete;
  UsageLog& operator=(const UsageLog&) = delete;

  // From any thread. False: too many wait already, this one is lost (and counted as such by the caller).
  bool append(domain::UsageRecord record);

  // Runs `work` on the writer's thread, when exactly those records are written that were appended before it (unless they cannot be written).
  // From any thread. False: too many wait.
  bool query(std::function<void(store::UsageStore&)> work);

  // Has the whole store looked at, on the writer's thread: once, soon after the start, when those who wait for the server need it no more. What ends meanwhile
  // waits, as long as there is room for it; else the check gives way and begins again. A store that is damaged is written to no more, and `changed` says so
  // for good. From any thread.
  void check_store();

  // Every record appended before is on the disk, so that this server or the next has it in the store. Syncs by itself; where the pending file cannot be
  // relied on, waits for the store. From any thread but the writer's. False: not so within `patience`.
  bool flush(milliseconds patience);

  // kExhausted when less than `free_bytes_min` is free.
  static Status check_space(const std::filesystem::path& home, uint64_t free_bytes_min = kFreeBytesMin);

 private:
  struct Query {
    std::function<void(store::UsageStore&)> work;
    uint64_t after = 0;  // records that were appended before it
  };

  void run();
  Status write(std::vector<domain::UsageRecord>& batch);
  Status write_and_check(std::vector<domain::UsageRecord>& batch);
  Status write_first(std::vector<domain::UsageRecord>& batch, size_t many);
  void tell(const Status& status);
  void check_now(std::unique_lock<std::mutex>& lock);
  void sync_pending(std::unique_lock<std::mutex>& lock);
  bool is_due() const;               // with the mutex held
  void wrote(uint64_t taken_count);  // with the mutex held

  // The writer's own.
  std::unique_ptr<store::UsageStore> store_;
  std::filesystem::path home_;
  Changed changed_;
  UsageLogOptions options_;
  bool writable_ = true;  // as last told
  Status sound_;          // by the last check

  std::mutex mutex_;
  std::condition_variable waiting_;  // something to do
  std::condition_variable written_;  // something was written
  std::deque<domain::UsageRecord> records_;
  std::optional<PendingUsage> pending_;  // the same, and those that are being written
  std::deque<Query> queries_;
  uint64_t appended_count_ = 0;
  uint64_t synced_count_ = 0;                                // on the disk, in the pending file or in the store
  uint64_t written_count_ = 0;                               // in the store
  bool pending_holds_ = true;                                // all that is not in the store
  bool told_ = false;                                        // the writer knows of what is to be synced
  std::chrono::steady_clock::time_point first_waits_since_;  // of records_
  int flushing_ = 0;                                         // who waits
  bool to_check_ = false;
  std::atomic<bool> give_way_ = false;  // the check to records
  bool ending_ = false;
  std::thread writer_;  // last: it uses all of the above
};

}  // namespace ebb::ledger
