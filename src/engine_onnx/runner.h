// The thread that the model runs on, so that the worker's loop goes on answering while a run takes seconds. One job at a time; the owner's thread
// is the only caller.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "base/time.h"

namespace ebb::engine_onnx {

class Runner {
 public:
  Runner();
  // Waits for the job that runs.
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Only when idle.
  void start(std::function<void()> job);
  // Waits until it is idle, but not longer. True: what the job wrote may be read.
  bool wait(milliseconds longest);

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::function<void()> job_;  // empty: idle
  bool ends_ = false;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace ebb::engine_onnx
