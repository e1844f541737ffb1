// One mutex, one condition.
#include "engine_onnx/runner.h"

#include <utility>

#include "base/check.h"

namespace ebb::engine_onnx {

Runner::Runner() : thread_([this] { work(); }) {}

Runner::~Runner() {
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Runner::start(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    EBB_CHECK(!job_);
    job_ = std::move(job);
  }
  changed_.notify_all();
}

bool Runner::wait(milliseconds longest) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, longest, [this] { return !job_; });
}

void Runner::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return job_ || ends_; });
    if (!job_) return;
    lock.unlock();
    job_();
    lock.lock();
    job_ = nullptr;
    changed_.notify_all();
  }
}

}  // namespace ebb::engine_onnx
