// The writer: wait, take all, write all, tell.
#include "ledger/usage_log.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "base/log.h"
#include "domain/limits.h"
#include "io/files.h"

namespace ebb::ledger {

namespace {

// So many records in one transaction cost hardly more each than more would.
constexpr size_t kStoredAtOnce = 2'048;

// So many records may wait while the store is checked.
constexpr size_t kWaitForCheckMax = domain::kUsageBacklogMax / 2;

std::filesystem::path pending_file(const std::filesystem::path& home) { return home / "usage-pending"; }

std::optional<PendingUsage> open_pending(const std::filesystem::path& home) {
  Result<PendingUsage> pending = PendingUsage::open(pending_file(home));
  if (pending) return std::move(*pending);
  log_warn("what ended in the last milliseconds is lost if the server is killed", {{"why", pending.error().message}});
  return std::nullopt;
}

}  // namespace

Status UsageLog::recover(store::UsageStore& store, const std::filesystem::path& home) {
  std::optional<PendingUsage> pending = open_pending(home);
  if (!pending) return {};
  const std::vector<domain::UsageRecord> left = pending->records();
  if (!left.empty()) {
    const Result<store::Appended> written = store.append(left);
    if (!written) return written.error().kind == ErrorKind::kExhausted ? Status() : fail(written.error());
    if (written->written > 0) log_info("usage records of a server that was killed are written now", {{"records", written->written}});
  }
  pending->end_writing(false);
  return {};
}

UsageLog::UsageLog(std::unique_ptr<store::UsageStore> store, std::filesystem::path home, Changed changed, UsageLogOptions options)
    : store_(std::move(store)), home_(std::move(home)), changed_(std::move(changed)), options_(options), pending_(open_pending(home_)), writer_([this] {
        run();
      }) {}

UsageLog::~UsageLog() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    give_way_ = true;
  }
  waiting_.notify_one();
  writer_.join();
  if (appended_count_ != written_count_)
    log_error("usage records are lost: they could not be written before the end", {{"records", appended_count_ - written_count_}});
}

bool UsageLog::append(domain::UsageRecord record) {
  {
    const std::lock_guard lock(mutex_);
    if (appended_count_ - written_count_ >= domain::kUsageBacklogMax) return false;
    ++appended_count_;
    if (pending_ && !pending_->append(record)) {
      log_warn("no room among what is pending: a usage record is lost if the server is killed");
      pending_holds_ = false;
    }
    if (records_.empty()) first_waits_since_ = std::chrono::steady_clock::now();
    records_.push_back(std::move(record));
    if (records_.size() >= kWaitForCheckMax) give_way_ = true;
    if (std::exchange(told_, true) && records_.size() != kStoredAtOnce) return true;
  }
  waiting_.notify_one();
  return true;
}

bool UsageLog::query(std::function<void(store::UsageStore&)> work) {
  {
    const std::lock_guard lock(mutex_);
    if (queries_.size() >= kUsageQueriesMax) return false;
    queries_.push_back({.work = std::move(work), .after = appended_count_});
  }
  waiting_.notify_one();
  return true;
}

void UsageLog::check_store() {
  {
    const std::lock_guard lock(mutex_);
    to_check_ = true;
  }
  waiting_.notify_one();
}

bool UsageLog::flush(milliseconds patience) {
  std::unique_lock lock(mutex_);
  const uint64_t wanted = appended_count_;
  sync_pending(lock);
  if (synced_count_ >= wanted) return true;
  ++flushing_;
  waiting_.notify_one();
  const bool flushed = written_.wait_for(lock, patience, [this, wanted] { return written_count_ >= wanted; });
  --flushing_;
  return flushed;
}

Status UsageLog::check_space(const std::filesystem::path& home, uint64_t free_bytes_min) {
  const Result<uint64_t> free = io::free_bytes(home);
  if (!free) return fail(free.error());
  if (*free < free_bytes_min)
    return fail(ErrorKind::kExhausted, fmt::format("the disk of {} is full ({} MiB free, {} are kept for bills): free some space", home.string(), *free >> 20U,
                                                   free_bytes_min >> 20U));
  return {};
}

void UsageLog::tell(const Status& status) {
  if (status.has_value() == writable_) return;
  writable_ = status.has_value();
  const std::string why = status ? std::string() : status.error().message;
  if (writable_) log_info("usage records are written again");
  if (!writable_) log_error("usage records cannot be written; no new calls are taken", {{"why", why}});
  changed_(writable_, why);
}

Status UsageLog::write(std::vector<domain::UsageRecord>& batch) {
  if (!sound_) return sound_;
  if (batch.empty()) return {};
  // While more come than can be written there is no time to give away.
  const Result<store::Appended> appended = store_->append(batch, batch.size() < kStoredAtOnce ? store::Manner::kGently : store::Manner::kAtOnce);
  if (appended) {
    if (appended->existing > 0) log_warn("usage records were there already", {{"records", appended->existing}});
    batch.clear();
    return {};
  }
  // A full disk leaves the file sound. After anything else, what the connection remembers may not be what the disk has.
  if (appended.error().kind != ErrorKind::kExhausted) {
    if (Status opened = store_->reopen(); !opened) return opened;
  }
  return fail(appended.error());
}

Status UsageLog::write_and_check(std::vector<domain::UsageRecord>& batch) {
  Status status = write(batch);
  if (status) status = check_space(home_, options_.free_bytes_min);
  tell(status);
  return status;
}

// What is written goes from the batch.
Status UsageLog::write_first(std::vector<domain::UsageRecord>& batch, size_t many) {
  const auto end = batch.begin() + static_cast<std::ptrdiff_t>(many);
  std::vector<domain::UsageRecord> first(batch.begin(), end);
  Status written = write_and_check(first);
  if (first.empty()) batch.erase(batch.begin(), end);
  return written;
}

// Without the mutex while the disk is waited for.
void UsageLog::sync_pending(std::unique_lock<std::mutex>& lock) {
  const uint64_t appended = appended_count_;
  if (!pending_ || !pending_holds_ || synced_count_ >= appended) return;
  lock.unlock();
  const Status synced = pending_->sync();
  lock.lock();
  if (synced) {
    synced_count_ = std::max(synced_count_, appended);
  } else {
    // What of its pages is on the disk is not known any more.
    pending_holds_ = false;
    log_warn("usage records go to the store at once", {{"why", synced.error().message}});
  }
}

bool UsageLog::is_due() const {
  if (ending_ || flushing_ > 0 || !queries_.empty() || records_.empty() || !pending_ || !pending_holds_ || records_.size() >= kStoredAtOnce) return true;
  return std::chrono::steady_clock::now() >= first_waits_since_ + options_.store_pause;
}

// All that were appended so far.
void UsageLog::wrote(uint64_t taken_count) {
  written_count_ = taken_count;
  synced_count_ = std::max(synced_count_, taken_count);
  if (appended_count_ == taken_count) pending_holds_ = true;
  if (pending_) pending_->end_writing(appended_count_ != taken_count);
}

// With the mutex held, but not while it looks.
void UsageLog::check_now(std::unique_lock<std::mutex>& lock) {
  give_way_ = ending_;
  lock.unlock();
  Status checked = store_->check(give_way_);
  const bool gave_way = !checked && checked.error().kind == ErrorKind::kCancelled;
  if (!checked && checked.error().kind == ErrorKind::kCorrupt) tell(sound_ = std::move(checked));
  lock.lock();
  to_check_ = gave_way && !ending_;
}

void UsageLog::run() {
  std::vector<domain::UsageRecord> batch;  // kept while it cannot be written
  std::unique_lock lock(mutex_);
  if (pending_) {
    batch = pending_->records();  // what recover() found no space for, and what was appended since
    records_.clear();
    appended_count_ = batch.size();
    pending_->begin_writing();
  }
  const uint64_t taken_first = batch.size();
  lock.unlock();
  bool stuck = !write_and_check(batch);
  lock.lock();
  if (batch.empty()) wrote(taken_first);
  written_.notify_all();  // to who appended, and flushes, before this thread began
  for (;;) {
    const milliseconds pause = stuck ? options_.retry_pause : records_.empty() ? options_.space_check_pause : options_.store_pause;
    waiting_.wait_for(lock, pause, [&] { return ending_ || !queries_.empty() || (!stuck && (to_check_ || flushing_ > 0 || (told_ && !records_.empty()))); });
    told_ = false;
    if (to_check_ && !stuck) check_now(lock);
    if (!stuck && !is_due()) {
      // One sync for all that end together, and none while the call that ended still waits for its last bytes.
      waiting_.wait_for(lock, options_.gather_pause, [&] { return is_due(); });
      told_ = false;
      sync_pending(lock);
      if (!is_due()) continue;
    }
    if (stuck) sync_pending(lock);  // it may take long until the store can be written
    const bool last = ending_;
    batch.insert(batch.end(), std::move_iterator(records_.begin()), std::move_iterator(records_.end()));
    records_.clear();
    std::deque<Query> queries = std::exchange(queries_, {});
    const uint64_t taken_count = appended_count_;
    if (pending_) pending_->begin_writing();
    lock.unlock();
    stuck = false;
    for (const Query& query : queries) {
      const uint64_t rest = taken_count - query.after;  // appended after it
      if (!stuck && batch.size() > rest) stuck = !write_first(batch, batch.size() - rest);
      query.work(*store_);
    }
    if (!stuck) stuck = !write_and_check(batch);
    lock.lock();
    if (batch.empty()) wrote(taken_count);
    written_.notify_all();
    if (last) return;
  }
}

}  // namespace ebb::ledger
