// A function that is a server of HTTP: Cloud Run's, SageMaker's, KServe's and Vertex's contracts, and custom handlers that are proxied.
//
// A call is one request on one connection; bodies stream both ways at once, and an answer may come before the request was read. Connections are
// kept for the next call where nothing is left on them, at most as many as calls may run at once (keep_policy.h).
#pragma once

#include <memory>
#include <vector>

#include "domain/function.h"
#include "function/http_connection.h"
#include "function/instance.h"
#include "function/invoker.h"
#include "function/keep_policy.h"
#include "io/clock.h"

namespace ebb::function {

class HttpFunction : public Invoker {
 public:
  // All outlive it.
  HttpFunction(const io::Executor& executor, Instance& instance, const domain::FunctionStart& start, uint64_t answer_bytes_max, const io::Clock& clock);

  Status prepare() override { return {}; }
  io::Task<Status> ready() override;
  std::string lacks() const override { return lacks_; }
  void invoke(std::shared_ptr<Call> call) override;
  void end_late(Call& call) override;
  void end_with_function(Call& call, const container::EndOfFunction& end) override;
  bool outlives_broken_calls() const override { return true; }
  void freeze() override { idle_.clear(); }
  void thawed() override { instance_.connect_soon(start_.port); }

  // For the exchanges of its calls.
  const domain::FunctionStart& start() const { return start_; }
  const io::Executor& executor() const { return executor_; }
  uint64_t answer_bytes_max() const { return answer_bytes_max_; }
  const io::Clock& clock() const { return clock_; }
  // One that was kept, or nullptr.
  std::unique_ptr<HttpConnection> kept();
  // A new one. kUnavailable: nobody listens.
  Result<std::unique_ptr<HttpConnection>> connect();
  void keep(std::unique_ptr<HttpConnection> connection);
  // Around the wait for an answer's head.
  void begin_waiting(bool on_new_connection) { keep_policy_.waits(on_new_connection); }
  void end_waiting(bool on_new_connection) { keep_policy_.waited(on_new_connection, clock_.mono()); }
  // Ends a call that the function failed. A connection that broke may be the first sign of an end of the process, which says more: it is waited for a
  // moment.
  io::Task<void> fail_call(std::shared_ptr<Call> call, Error error);

 private:
  io::Task<bool> answers_200(std::string path);
  void watch_for_stall();

  io::Executor executor_;
  Instance& instance_;
  const domain::FunctionStart& start_;
  uint64_t answer_bytes_max_;
  const io::Clock& clock_;
  std::vector<std::unique_ptr<HttpConnection>> idle_;
  KeepPolicy keep_policy_;
  io::Timer stall_;
  bool watches_for_stall_ = false;
  std::string lacks_;
  bool answers_ = false;    // a health path, be it with an error: what lacks is what it said last, not that the next answer is under way
  uint64_t oom_kills_ = 0;  // known so far
};

}  // namespace ebb::function
