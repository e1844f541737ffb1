// A function that asks for its calls: our end of AWS Lambda's Runtime API for one instance, which the function reaches on 127.0.0.1:port.
//
// The body of a call is the event, whatever its bytes; an empty one is {}. What comes back:
//
//   response                    200, application/json, the result as it was posted
//   response, streamed          its own type, piece by piece; or the head that it begins with (http-integration-response)
//   error, too large a result,  200 with X-Amz-Function-Error: Unhandled, and the error as JSON: that is what Lambda's Invoke answers; a status of
//   timeout, exit               5xx would make its clients call again
//   the same after a head       trailers of the runtime's names for an error that it announces itself, else Refused
//
// An event is handed over once, when the runtime asks for its next: only then the call is started (or when its event needs more than the window).
// The next may come long after a response; a call waits for it. An invocation that is broken off ends the function: it is still busy with it.
// Extensions and restoring from snapshots are not here.
#pragma once

#include <memory>
#include <optional>
#include <random>
#include <string>

#include "domain/function.h"
#include "function/instance.h"
#include "function/invoker.h"
#include "function/lambda_state.h"
#include "function/runtime_connection.h"
#include "io/clock.h"

namespace ebb::function {

class LambdaRuntime final : public Invoker {
 public:
  // All outlive it.
  LambdaRuntime(const io::Executor& executor, Instance& instance, const domain::FunctionStart& start, const io::Clock& clock);

  Status prepare() override;
  io::Task<Status> ready() override;
  std::string lacks() const override { return "has not asked for its first invocation"; }
  void invoke(std::shared_ptr<Call> call) override;
  void end_late(Call& call) override;
  void end_with_function(Call& call, const container::EndOfFunction& end) override;
  bool outlives_broken_calls() const override { return false; }
  void freeze() override {}
  void thawed() override {}

 private:
  using Connection = std::shared_ptr<RuntimeConnection>;

  // An event that waits for the runtime.
  struct Invocation {
    std::shared_ptr<Call> call;
    std::string event;
    std::string client_context;
    WallTime deadline{};
  };

  io::Task<void> collect(Invocation invocation);
  io::Task<void> accept();
  io::Task<void> serve(Connection connection);
  io::Task<void> serve_request(Connection connection);
  io::Task<void> serve_next(Connection connection);
  io::Task<bool> wait_for_invocation(Connection connection);
  io::Task<void> serve_response(Connection connection, std::string id);
  io::Task<void> serve_error(Connection connection, std::string id);
  io::Task<void> serve_init_error(Connection connection);
  io::Task<void> take_result(Connection connection, std::shared_ptr<Call> call);
  io::Task<void> take_stream(Connection connection, std::shared_ptr<Call> call);
  io::Task<void> end_stream(Connection connection, std::shared_ptr<Call> call, std::string type);
  io::Task<void> done(Connection connection, int status, std::string body);
  io::Task<void> reject(Connection connection, const Rejection& rejection);
  static io::Task<bool> say_accepted(const Connection& connection);
  void fail_invocation(Call& call, std::string_view type, std::string message) const;
  domain::HttpHeaders next_headers(const Invocation& invocation) const;

  io::Executor executor_;
  Instance& instance_;
  const domain::FunctionStart& start_;
  const io::Clock& clock_;
  io::TcpAcceptor acceptor_;
  io::Timer news_;          // cancelled when an invocation comes, when the runtime asks, when another waits
  std::mt19937_64 random_;  // ids are seen by their own function only
  LambdaState state_;
  std::optional<Invocation> pending_;
  std::shared_ptr<Call> current_;  // handed over last
  Connection waiter_;              // the connection that asked for the next
  int connections_ = 0;
  std::optional<Error> init_error_;
};

}  // namespace ebb::function
