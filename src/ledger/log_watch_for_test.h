// Waits for what a usage log says of itself, and looks at what it stored.
#pragma once

#include <gtest/gtest.h>

#include <condition_variable>
#include <filesystem>
#include <future>
#include <mutex>
#include <string>
#include <vector>

#include "ledger/usage_log.h"

namespace ebb::ledger {

// So long that only a hang reaches it.
inline constexpr seconds kPatience{60};
// A writer that retries at once, so that tests need not wait.
inline constexpr UsageLogOptions kEagerForTest{.free_bytes_min = 0, .retry_pause = milliseconds(1), .space_check_pause = milliseconds(1)};

class LogWatch {
 public:
  UsageLog::Changed changed() {
    return [this](bool writable, const std::string& why) {
      const std::lock_guard lock(mutex_);
      said_.push_back(writable ? "writable" : why);
      something_.notify_all();
    };
  }
  // What was said, once it was said `count` times.
  std::vector<std::string> said(size_t count) {
    std::unique_lock lock(mutex_);
    something_.wait_for(lock, kPatience, [&] { return said_.size() >= count; });
    return said_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable something_;
  std::vector<std::string> said_;
};

inline domain::UsageRecord record_for_test(uint64_t id) {
  return {
      .call = CallId{id}, .endpoint = "chat", .ended = WallTime(seconds(1'700'000'000) + milliseconds(id)), .billed_ms = 1, .cost = static_cast<int64_t>(id)};
}

// Holds the writer inside a query until it is let go.
class HeldWriter {
 public:
  explicit HeldWriter(UsageLog& log) {
    EXPECT_TRUE(log.query([this](store::UsageStore&) {
      inside_.set_value();
      go_.get_future().wait();
    }));
    inside_.get_future().wait();
  }
  void let_go() { go_.set_value(); }

 private:
  std::promise<void> inside_;
  std::promise<void> go_;
};

// Waits until what was appended before is in the store, and not only on the disk, or cannot be written.
inline void wait_for_store(UsageLog& log) {
  std::promise<void> reached;
  if (log.query([&reached](store::UsageStore&) { reached.set_value(); })) reached.get_future().wait();
}

// What is wrong in a closed home where exactly the calls 1 to `last` should be: each whole, once, and in the sums. Empty if nothing is.
inline std::string check_store_for_test(const std::filesystem::path& home, uint64_t last) {
  const auto store = store::UsageStore::open(home);
  if (!store) return store.error().message;
  const auto records = (*store)->recent("chat", 1'000'000);
  if (!records) return records.error().message;
  if (records->size() != last) return "records: " + std::to_string(records->size()) + " instead of " + std::to_string(last);
  int64_t cost = 0;
  for (size_t i = 0; i < records->size(); ++i) {
    if ((*records)[i] != record_for_test(last - i)) return "record " + std::to_string(last - i) + " differs";
    cost += (*records)[i].cost;
  }
  const auto bill = (*store)->bill({});
  if (!bill) return bill.error().message;
  if (bill->front().calls != static_cast<int64_t>(last) || bill->front().cost != cost) return "the sums differ from the records";
  return "";
}

}  // namespace ebb::ledger
