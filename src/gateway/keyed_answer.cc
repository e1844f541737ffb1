// From the claim to the row.
#include "gateway/keyed_answer.h"

#include <algorithm>

#include "base/log.h"
#include "gateway/kept_answers.h"
#include "gateway/services.h"
#include "ledger/idempotency_policy.h"

namespace ebb::gateway {

Claim::Claim(KeyedCalls& calls, std::string id, std::string parameters) : calls_(calls), id_(std::move(id)) {
  calls_.running[id_] = std::make_shared<KeyedCalls::Running>(KeyedCalls::Running{.parameters = std::move(parameters)});
}

Claim::~Claim() {
  const auto found = calls_.running.find(id_);
  found->second->over = true;
  for (const std::shared_ptr<io::Timer>& repeat : found->second->waiting)
    repeat->cancel();
  calls_.running.erase(found);
}

KeyedAnswer::KeyedAnswer(Services& services, std::unique_ptr<Claim> claim, domain::KeptAnswer kept)
    : services_(services), claim_(std::move(claim)), kept_(std::move(kept)) {}

KeyedAnswer::~KeyedAnswer() { release(); }

void KeyedAnswer::release() {
  services_.keyed.recorded_bytes -= std::exchange(counted_bytes_, 0);
  recorded_.response.body = {};
}

io::Task<Result<CallId>> KeyedAnswer::begin_calls(std::string endpoint, size_t count) {
  kept_.endpoint = std::move(endpoint);
  kept_.first_call = services_.platform.reserve_ids(count);
  kept_.calls = static_cast<int64_t>(count);
  kept_.begun = services_.clock.wall();
  domain::KeptAnswer row = kept_;
  Status put = co_await put_kept(services_, std::move(row));
  if (!put) co_return fail(put.error());
  begun_ = true;
  co_return kept_.first_call;
}

void KeyedAnswer::start(const Response& head, std::optional<uint64_t> length) {
  Response& to = recorded_.response;  // without the body, which may be large
  to.status = head.status;
  to.content_type = head.content_type;
  to.headers = head.headers;
  to.foreign = head.foreign;
  recorded_.length = length;
}

void KeyedAnswer::add(std::string_view piece) {
  if (too_large_) return;
  std::string& body = recorded_.response.body;
  too_large_ = body.size() + piece.size() > domain::kKeptAnswerBytesMax || services_.keyed.recorded_bytes + piece.size() > domain::kRecordedBytesMax;
  if (too_large_) return release();
  body += piece;
  counted_bytes_ += piece.size();
  services_.keyed.recorded_bytes += piece.size();
}

// What calls of a failed answer cost is known a little later than that it failed.
io::Task<std::optional<bool>> KeyedAnswer::counts() {
  if (!calls_) co_return false;
  const auto any = [this] {
    for (size_t i = 0; i < calls_->size(); ++i) {
      const auto& usage = (*calls_)[i].usage();
      if (usage && ledger::counts(*usage)) return true;
    }
    return false;
  };
  if (any()) co_return true;
  const bool all_known = co_await calls_->settled(domain::kSettleTimeMax);
  if (any()) co_return true;
  co_return all_known ? std::optional(false) : std::nullopt;
}

io::Task<void> KeyedAnswer::end(AnswerForm form) {
  recorded_.form = form;
  ledger::End end;
  end.began = begun_;
  end.recorded = !too_large_;
  if (begun_) end.counts = co_await counts();
  const ledger::Keep keep = ledger::keep(end);
  if (keep == ledger::Keep::kNothing && begun_) forget_kept(services_, kept_.id);
  if (keep == ledger::Keep::kWhole || keep == ledger::Keep::kTooLarge) {
    kept_.ended = services_.clock.wall();
    kept_.state = keep == ledger::Keep::kWhole ? domain::KeptAnswer::State::kWhole : domain::KeptAnswer::State::kTooLarge;
    if (keep == ledger::Keep::kWhole) kept_.answer = write_recorded(recorded_);
    recorded_.response.body = {};
    const Status put = co_await put_kept(services_, std::move(kept_));
    if (!put) log_error("an answer is lost for repeats of its request", {{"why", put.error().message}});
  }
  release();
  claim_.reset();
}

}  // namespace ebb::gateway
