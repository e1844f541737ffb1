// The writer: wait, take all, write all, tell.
#include "ledger/usage_log.h"

#include <fmt/format.h>
#include <sys/statvfs.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "base/log.h"
#include "domain/limits.h"

namespace ebb::ledger {

namespace {

constexpr size_t kQueriesMax = 64;
constexpr std::chrono::seconds kRetryPause{1};
constexpr std::chrono::seconds kSpaceCheckPause{5};

}  // namespace

UsageLog::UsageLog(std::unique_ptr<store::UsageStore> store, std::filesystem::path home, Changed changed)
    : store_(std::move(store)), home_(std::move(home)), changed_(std::move(changed)), writer_([this] { run(); }) {}

UsageLog::~UsageLog() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  waiting_.notify_one();
  writer_.join();
}

bool UsageLog::append(domain::UsageRecord record) {
  {
    const std::lock_guard lock(mutex_);
    if (records_.size() >= domain::kUsageBacklogMax) return false;
    records_.push_back(std::move(record));
  }
  waiting_.notify_one();
  return true;
}

bool UsageLog::query(std::function<void(store::UsageStore&)> work) {
  {
    const std::lock_guard lock(mutex_);
    if (queries_.size() >= kQueriesMax) return false;
    queries_.push_back(std::move(work));
  }
  waiting_.notify_one();
  return true;
}

Status UsageLog::check_space(const std::filesystem::path& home) {
  struct statvfs disk {};
  if (::statvfs(home.c_str(), &disk) != 0) return fail(errno_error(home.string(), errno));
  const uint64_t free_bytes = static_cast<uint64_t>(disk.f_bavail) * disk.f_frsize;
  if (free_bytes < kFreeBytesMin)
    return fail(ErrorKind::kExhausted, fmt::format("the disk of {} is full ({} MiB free, {} are kept for bills): free some space", home.string(),
                                                   free_bytes >> 20U, kFreeBytesMin >> 20U));
  return {};
}

void UsageLog::tell(bool writable, const std::string& why) {
  if (writable == writable_) return;
  writable_ = writable;
  if (writable) log_info("usage records are written again");
  if (!writable) log_error("usage records cannot be written; no new calls are taken", {{"why", why}});
  changed_(writable, why);
}

void UsageLog::run() {
  std::unique_lock lock(mutex_);
  bool stuck = false;
  for (;;) {
    const auto something = [&] { return ending_ || !queries_.empty() || (!stuck && !records_.empty()); };
    waiting_.wait_for(lock, stuck ? kRetryPause : kSpaceCheckPause, something);
    const std::vector<domain::UsageRecord> batch(records_.begin(), records_.end());
    lock.unlock();
    const Status written = batch.empty() ? Status{} : store_->append(batch);
    const Status space = written ? check_space(home_) : written;
    tell(space.has_value(), space ? std::string() : space.error().message);
    lock.lock();
    if (written) records_.erase(records_.begin(), records_.begin() + static_cast<std::ptrdiff_t>(batch.size()));
    stuck = !space;
    std::deque<std::function<void(store::UsageStore&)>> queries = std::exchange(queries_, {});
    lock.unlock();
    for (auto& query : queries)
      query(*store_);
    lock.lock();
    if (ending_ && (records_.empty() || stuck)) return;
  }
}

}  // namespace ebb::ledger
