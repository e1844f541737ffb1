// Where a Lambda runtime stands between its requests, and which of them fit. Pure.
//
//   phase       next        response, error of its id   of another id   init/error
//   init        waiting     403                         403             failed
//   waiting     403                                     400             403
//   running     403         responding                  400             403
//   responding  403         403                         400             403
//   answered    waiting     403                         400             403
//   failed      403         403                         403             403
//
// 400 InvalidRequestID: an id that is not, or not any more, that of an invocation; 403 InvalidStateTransition: not now. One invocation at a time.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ebb::function {

struct Rejection {
  int status = 403;
  std::string_view type;
  std::string_view message;
};

class LambdaState {
 public:
  enum class Phase { kInit, kWaiting, kRunning, kResponding, kAnswered, kFailed };

  Phase phase() const { return phase_; }
  // Of the invocation that runs, or ran last.
  const std::string& id() const { return id_; }

  // Requests of the runtime; what is not rejected has happened.
  std::optional<Rejection> next();
  std::optional<Rejection> respond(std::string_view id);  // response or error
  std::optional<Rejection> init_error();

  // What we do: an invocation goes to the runtime that waits; the response is in, whatever it was; the connection that waited is gone.
  void hand_over(std::string id);
  void answered();
  void waiter_gone();

 private:
  Phase phase_ = Phase::kInit;
  std::string id_;
};

}  // namespace ebb::function
