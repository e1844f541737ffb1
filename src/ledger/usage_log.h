// Usage records on their way to the disk: a thread that writes everything that waits in one synced transaction.
//
// append() never blocks, so a warm call waits for no sync; what a crash can lose is what the last few milliseconds ended. When the
// disk refuses (full, read-only), records stay here, bounded by kUsageBacklogMax, `changed` says so, and writing is tried again each
// second until it works: the platform takes no new calls meanwhile, and needs no restart afterwards.
#pragma once

#include <condition_variable>
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/result.h"
#include "domain/usage.h"
#include "store/usage_store.h"

namespace ebb::ledger {

// Below this much free space nothing new is accepted, so that what runs can still be billed.
inline constexpr uint64_t kFreeBytesMin = 16ULL << 20U;

class UsageLog {
 public:
  // Called on the writer's thread, also at the first check: (true, "") or (false, why).
  using Changed = std::function<void(bool writable, const std::string& why)>;

  UsageLog(std::unique_ptr<store::UsageStore> store, std::filesystem::path home, Changed changed);
  // Writes what waits, once, and ends the thread.
  ~UsageLog();
  UsageLog(const UsageLog&) = delete;
  UsageLog& operator=(const UsageLog&) = delete;

  // From any thread. False: too many wait already, this one is lost (and counted as such by the caller).
  bool append(domain::UsageRecord record);

  // Runs `work` on the writer's thread, after all records that were appended before it. From any thread. False: too many wait.
  bool query(std::function<void(store::UsageStore&)> work);

  // Whether the disk has room for more; asked by the writer before it says "writable".
  static Status check_space(const std::filesystem::path& home);

 private:
  void run();
  void tell(bool writable, const std::string& why);

  std::unique_ptr<store::UsageStore> store_;
  std::filesystem::path home_;
  Changed changed_;
  std::mutex mutex_;
  std::condition_variable waiting_;
  std::deque<domain::UsageRecord> records_;
  std::deque<std::function<void(store::UsageStore&)>> queries_;
  bool ending_ = false;
  bool writable_ = true;  // as last told; the writer's own
  std::thread writer_;
};

}  // namespace ebb::ledger
