// A timer that the writer's thread cancels by a post to the loop.
#include "gateway/kept_answers.h"

#include <functional>
#include <memory>
#include <utility>

#include "gateway/services.h"

namespace ebb::gateway {

namespace {

// Shared with the writer's thread, which fills it before it wakes us.
template <class T>
struct Verb {
  explicit Verb(io::Executor on) : executor(std::move(on)), ready(executor, io::Timer::time_point::max()) {}
  io::Executor executor;
  io::Timer ready;
  std::optional<T> result;
};

template <class T>
std::function<void(T)> fill(std::shared_ptr<Verb<T>> verb) {
  return [verb](T result) {
    io::asio::post(verb->executor, [verb, result = std::move(result)]() mutable {
      verb->result = std::move(result);
      verb->ready.cancel();
    });
  };
}

template <class T>
io::Task<T> filled(std::shared_ptr<Verb<T>> verb) {
  while (!verb->result) {
    [[maybe_unused]] const auto woken = co_await verb->ready.async_wait(io::asio::as_tuple(io::use_awaitable));
  }
  co_return std::move(*verb->result);
}

std::unexpected<Error> too_many() { return fail(ErrorKind::kOverloaded, "too many requests with an Idempotency-Key at once: come back in a moment"); }

}  // namespace

io::Task<Result<std::optional<domain::KeptAnswer>>> find_kept(Services& services, std::string id) {
  using Found = Result<std::optional<domain::KeptAnswer>>;
  const auto verb = std::make_shared<Verb<Found>>(services.executor);
  if (!services.answers.find(std::move(id), fill(verb))) co_return too_many();
  Found found = co_await filled(verb);
  co_return found;
}

io::Task<Status> put_kept(Services& services, domain::KeptAnswer answer) {
  const auto verb = std::make_shared<Verb<Status>>(services.executor);
  if (!services.answers.put(std::move(answer), fill(verb))) co_return too_many();
  Status put = co_await filled(verb);
  co_return put;
}

void forget_kept(Services& services, std::string id) {
  (void)services.answers.forget(std::move(id), [](const Status&) {});
}

}  // namespace ebb::gateway
