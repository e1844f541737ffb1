// The table of lambda_state.h.
#include "function/lambda_state.h"

#include "base/check.h"

namespace ebb::function {

namespace {

using Phase = LambdaState::Phase;

constexpr Rejection kNotNow{.status = 403, .type = "InvalidStateTransition", .message = "this request does not fit what the runtime asked before"};
constexpr Rejection kWrongId{.status = 400, .type = "InvalidRequestID", .message = "there is no invocation with this id, or it has ended"};

}  // namespace

std::optional<Rejection> LambdaState::next() {
  if (phase_ != Phase::kInit && phase_ != Phase::kAnswered) return kNotNow;
  phase_ = Phase::kWaiting;
  return std::nullopt;
}

std::optional<Rejection> LambdaState::respond(std::string_view id) {
  if (phase_ == Phase::kInit || phase_ == Phase::kFailed) return kNotNow;
  if (phase_ == Phase::kWaiting || id != id_) return kWrongId;
  if (phase_ != Phase::kRunning) return kNotNow;
  phase_ = Phase::kResponding;
  return std::nullopt;
}

std::optional<Rejection> LambdaState::init_error() {
  if (phase_ != Phase::kInit) return kNotNow;
  phase_ = Phase::kFailed;
  return std::nullopt;
}

void LambdaState::hand_over(std::string id) {
  EBB_CHECK(phase_ == Phase::kWaiting);
  phase_ = Phase::kRunning;
  id_ = std::move(id);
}

void LambdaState::answered() {
  EBB_CHECK(phase_ == Phase::kResponding);
  phase_ = Phase::kAnswered;
}

void LambdaState::waiter_gone() {
  EBB_CHECK(phase_ == Phase::kWaiting);
  phase_ = Phase::kAnswered;
}

}  // namespace ebb::function
