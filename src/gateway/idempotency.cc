// What is known of a key, and what follows.
//
// The key's text is in no file and no log: what stands for it is a hash of it and of whose it is.
#include "gateway/idempotency.h"

#include <fmt/format.h>

#include "gateway/kept_answers.h"
#include "gateway/keyed_answer.h"
#include "gateway/services.h"
#include "ledger/idempotency_policy.h"
#include "store/sha256_hex.h"

namespace ebb::gateway {

namespace {

using Message = io::http::request<io::http::string_body>;

// What of the head makes a request another; clients change the rest from one try to the next.
constexpr const char* kMeaningful[] = {"Content-Type", "Content-Encoding", "Accept", "Accept-Encoding", "Inference-Header-Content-Length"};
constexpr milliseconds kComeBack{1'000};

std::string_view text(io::beast::string_view view) { return {view.data(), view.size()}; }

std::string parameters_of(const Message& message) {
  std::string all = fmt::format("{}\n{}\n", text(message.method_string()), text(message.target()));
  for (const char* const name : kMeaningful)
    all += fmt::format("{}: {}\n", name, text(message[name]));
  return store::sha256_hex(all + store::sha256_hex(message.body()));
}

// A tenant and a line of keys have no line's end in them.
Result<domain::KeptAnswer> read_key(const Request& request) {
  std::vector<std::string_view> values;
  const auto [first, last] = request.message.equal_range(kIdempotencyKey);
  for (auto field = first; field != last; ++field)
    values.push_back(text(field->value()));
  const Result<std::string_view> key = ledger::check_key(values);
  if (!key) return fail(key.error());
  domain::KeptAnswer kept;
  kept.id = store::sha256_hex(fmt::format("{}\n{}\n{}", request.principal.tenant, request.principal.key, *key));
  kept.tenant = request.principal.tenant;
  kept.parameters = parameters_of(request.message);
  kept.request = request.id;
  return kept;
}

Refusal conflict(std::string_view code, std::string message) {
  Refusal refusal = refuse(409, ErrorKind::kExists, std::move(message), kIdempotencyKey);
  refusal.error.code = code;
  return refusal;
}

// Asking again would change nothing, and OpenAI's clients ask again after a 409 unless they are told not to.
Refusal for_good(Refusal refusal) {
  refusal.headers.emplace_back("x-should-retry", "false");
  return refusal;
}

Refusal reused() {
  Refusal refusal =
      refuse(422, ErrorKind::kInvalid,
             "this Idempotency-Key came with another request before (method, path, body or content type differ): each request needs its own", kIdempotencyKey);
  refusal.error.code = ledger::kKeyReused;
  return for_good(std::move(refusal));
}

Refusal in_progress(std::string_view why) {
  Refusal refusal = conflict(ledger::kKeyInProgress, fmt::format("the first request with this Idempotency-Key is still being answered, {}", why));
  refusal.error.retry_after = kComeBack;
  return refusal;
}

Refusal not_kept(const domain::KeptAnswer& kept) {
  return for_good(conflict(ledger::kAnswerNotKept, fmt::format("call {} answered this request, and its answer is not kept: it had over {} bytes, or too many "
                                                               "answers were being recorded. It is not made again; send another key to make another call",
                                                               to_hex(kept.first_call.value), domain::kKeptAnswerBytesMax)));
}

Refusal lost(CallId billed) {
  return for_good(
      conflict(ledger::kAnswerLost, fmt::format("call {} was made for this request and is on the bill, and its answer is lost: the server ended, or "
                                                "its disk failed, before it was kept. It is not made again; send another key to make another call",
                                                to_hex(billed.value))));
}

Refusal busy() {
  Refusal refusal = refuse(503, ErrorKind::kOverloaded, "too many requests with an Idempotency-Key at once");
  refusal.error.retry_after = kComeBack;
  return refusal;
}

Refusal with_error(Error error) { return {.error = std::move(error)}; }

// True: the first one is over, whatever came of it.
io::Task<bool> wait_for(Services& services, Exchange& exchange, std::shared_ptr<KeyedCalls::Running> first) {
  const auto timer = std::make_shared<io::Timer>(services.executor);
  timer->expires_after(exchange.request().deadline.value_or(domain::kCallTimeMax));
  exchange.on_left([timer] { timer->cancel(); });
  if (exchange.left()) co_return false;
  first->waiting.push_back(timer);
  ++services.keyed.waiting;
  [[maybe_unused]] const auto woken = co_await timer->async_wait(io::asio::as_tuple(io::use_awaitable));
  --services.keyed.waiting;
  std::erase(first->waiting, timer);
  co_return first->over;
}

// A call of these that counts; 0: none does. What was appended to the book before is in it, unless it cannot be written: then nothing is ready either.
io::Task<Result<CallId>> look_into_book(Services& services, CallId first, int64_t count) {
  for (int64_t i = 0; i < count; ++i) {
    const CallId call{first.value + static_cast<uint64_t>(i)};
    const Result<std::optional<domain::UsageRecord>> record = co_await services.bills.record(call);
    if (!record) co_return fail(record.error());
    if (*record && ledger::counts(**record)) co_return call;
  }
  const invoke::StatusView status = services.platform.status();
  if (!status.ready) co_return fail(ErrorKind::kUnavailable, status.not_ready_why);
  co_return CallId{};
}

io::Task<void> replay(Services& services, Exchange& exchange, domain::KeptAnswer kept) {
  exchange.note_call(kept.endpoint, to_hex(kept.first_call.value));
  Result<RecordedAnswer> answer = read_recorded(kept.answer);
  if (!answer) {
    co_await exchange.fail(answer.error());
    co_return;
  }
  services.metrics.answer_replayed(kept.endpoint);
  exchange.note_replay(kept.request);
  answer->response.headers.emplace_back("Idempotent-Replayed", "true");
  answer->response.headers.emplace_back("Ebb-Original-Request", kept.request);
  if (answer->form == AnswerForm::kWhole) {
    co_await exchange.respond(std::move(answer->response));
    co_return;
  }
  const std::string body = std::move(answer->response.body);
  exchange.start_stream(std::move(answer->response), answer->length);
  exchange.add(body);
  if (answer->form == AnswerForm::kStream) {
    co_await exchange.end_stream(answer->trailers);
    co_return;
  }
  [[maybe_unused]] const bool there = co_await exchange.flush();
  co_await exchange.cut();
}

// While somebody is being answered by the key: waits for that. nullopt: it is over, look again.
io::Task<std::optional<Refusal>> attach(Services& services, Exchange& exchange, std::shared_ptr<KeyedCalls::Running> first, std::string parameters) {
  ledger::Waiting waiting;
  waiting.for_this = static_cast<int>(first->waiting.size());
  waiting.in_all = services.keyed.waiting;
  const ledger::Meanwhile then = ledger::join(first->parameters == parameters, waiting);
  if (then == ledger::Meanwhile::kReused) co_return reused();
  if (then == ledger::Meanwhile::kInProgress) co_return in_progress("and enough repeats of it wait already");
  const bool over = co_await wait_for(services, exchange, std::move(first));
  if (!over) co_return in_progress("and this one may not wait any longer");
  co_return std::nullopt;
}

// What is refused for what is kept of the key; nullopt: nothing is.
io::Task<std::optional<Refusal>> refusal_of(Services& services, domain::KeptAnswer kept, ledger::Known known) {
  if (known == ledger::Known::kReused) co_return reused();
  if (known == ledger::Known::kNotKept) co_return not_kept(kept);
  if (known != ledger::Known::kAskBook) co_return std::nullopt;
  const Result<CallId> billed = co_await look_into_book(services, kept.first_call, kept.calls);
  if (!billed) co_return with_error(billed.error());
  if (*billed) co_return lost(*billed);
  co_return std::nullopt;
}

io::Task<bool> answered_from_kept(Services& services, Exchange& exchange, std::unique_ptr<Claim> claim, domain::KeptAnswer key) {
  Result<std::optional<domain::KeptAnswer>> kept = co_await find_kept(services, key.id);
  std::optional<Refusal> refusal;
  ledger::Known known = ledger::Known::kRun;
  if (!kept) {
    refusal = with_error(kept.error());
  } else {
    known = ledger::look(*kept, key.parameters);
    if (*kept) refusal = co_await refusal_of(services, **kept, known);
  }
  if (!refusal && known != ledger::Known::kReplay) {
    exchange.record(std::make_unique<KeyedAnswer>(services, std::move(claim), std::move(key)));
    co_return false;
  }
  claim.reset();
  if (refusal) {
    co_await exchange.refuse(std::move(*refusal));
  } else {
    co_await replay(services, exchange, std::move(**kept));
  }
  co_return true;
}

}  // namespace

io::Task<bool> answered_by_key(Services& services, Exchange& exchange) {
  Result<domain::KeptAnswer> key = read_key(exchange.request());
  std::optional<Refusal> refusal;
  if (!key) refusal = with_error(key.error());
  while (!refusal) {
    const auto running = services.keyed.running.find(key->id);
    if (running == services.keyed.running.end()) break;
    std::shared_ptr<KeyedCalls::Running> first = running->second;
    refusal = co_await attach(services, exchange, std::move(first), key->parameters);
    if (exchange.left()) co_return true;
  }
  if (!refusal && services.keyed.running.size() >= domain::kKeyedCallsMax) refusal = busy();
  if (refusal) {
    co_await exchange.refuse(std::move(*refusal));
    co_return true;
  }
  auto claim = std::make_unique<Claim>(services.keyed, key->id, key->parameters);
  const bool answered = co_await answered_from_kept(services, exchange, std::move(claim), std::move(*key));
  co_return answered;
}

}  // namespace ebb::gateway
