// /ebb/v1/models: what is stored, adding with progress, removing.
#include <fmt/format.h>

#include "gateway/exchange.h"
#include "gateway/handlers.h"
#include "gateway/services.h"
#include "wire/admin_json.h"

namespace ebb::gateway {

namespace {

// An addition beside the request that waits for it. Shared by both, since either may end first.
struct Addition {
  explicit Addition(const io::asio::any_io_executor& executor) : changed(executor, io::asio::steady_timer::time_point::max()) {}
  io::asio::steady_timer changed;  // never expires by itself: cancelled when there is news
  std::shared_ptr<AddProgress> progress = std::make_shared<AddProgress>();
  std::optional<Result<domain::Model>> result;
};

io::Task<void> run_addition(ModelAdmin& models, wire::AddModel request, std::shared_ptr<Addition> addition) {
  Result<domain::Model> result = co_await models.add(std::move(request), addition->progress);
  addition->result.emplace(std::move(result));
  addition->progress->detach();
  addition->changed.cancel();
}

std::string line(const json::value& value) { return json::serialize(value) + "\n"; }

// Values with braces are made outside coroutines: see errors.h.
std::string result_line(const Result<domain::Model>& result) {
  return line(result ? json::value(json::object{{"model", wire::to_json(*result)}}) : wire::to_json(result.error()));
}
std::string removed_line(const domain::ModelRef& ref) { return line(json::object{{"model", domain::to_string(ref)}, {"removed", true}}); }

std::string list_of(const std::vector<domain::Model>& models) {
  json::array rows;
  for (const domain::Model& model : models)
    rows.push_back(wire::to_json(model));
  return line(json::object{{"models", std::move(rows)}});
}

io::Task<void> write_progress(Exchange& exchange, wire::ModelProgress progress) {
  if (!exchange.started()) exchange.start_stream(ndjson_response());
  co_await exchange.write(line(wire::to_json(progress)));
}

// Without progress before it the end is an ordinary answer with its status; else it is the last line.
io::Task<void> write_result(Exchange& exchange, const Result<domain::Model>& result) {
  if (!exchange.started()) {
    if (!result) {
      co_await exchange.fail(result.error());
    } else {
      Response response = ndjson_response(result_line(result));
      co_await exchange.respond(std::move(response));
    }
    co_return;
  }
  const bool written = co_await exchange.write(result_line(result));
  if (written) co_await exchange.end_stream();
}

Result<wire::AddModel> add_request(const Request& request) {
  Result<json::value> body = parse_json(request.body());
  if (!body) return fail(body.error());
  return wire::add_model_from_json(*body);
}

}  // namespace

io::Task<void> list_models(Services& services, Exchange& exchange) {
  Response response = json_response(list_of(services.models.list()));
  co_await exchange.respond(std::move(response));
}

io::Task<void> add_model(Services& services, Exchange& exchange) {
  Result<wire::AddModel> request = add_request(exchange.request());
  if (!request) {
    co_await exchange.fail(request.error());
    co_return;
  }
  auto addition = std::make_shared<Addition>(services.executor);
  addition->progress->changed = [timer = &addition->changed] { timer->cancel(); };
  exchange.on_left([addition] { addition->progress->cancel(); });
  if (exchange.left()) co_return;
  io::asio::co_spawn(services.executor, run_addition(services.models, std::move(*request), addition), io::asio::detached);
  for (;;) {
    std::optional<wire::ModelProgress> progress = addition->progress->take();
    if (progress) co_await write_progress(exchange, std::move(*progress));
    if (addition->result) break;
    if (!progress) co_await addition->changed.async_wait(io::asio::as_tuple(io::asio::use_awaitable));
  }
  co_await write_result(exchange, *addition->result);
}

io::Task<void> get_model(Services& services, Exchange& exchange) {
  const Result<domain::ModelRef> ref = domain::parse_model_ref(exchange.request().param("ref"));
  const Result<wire::ModelView> view = ref ? services.models.find(*ref) : Result<wire::ModelView>(ebb::fail(ref.error()));
  if (!view) {
    co_await exchange.fail(view.error());
    co_return;
  }
  Response response = json_response(line(wire::to_json(*view)));
  co_await exchange.respond(std::move(response));
}

io::Task<void> delete_model(Services& services, Exchange& exchange) {
  const Result<domain::ModelRef> ref = domain::parse_model_ref(exchange.request().param("ref"));
  Status removed;
  if (ref) {
    removed = services.models.remove(*ref);
  } else {
    removed = fail(ref.error());
  }
  if (!removed) {
    co_await exchange.fail(removed.error());
    co_return;
  }
  Response response = json_response(removed_line(*ref));
  co_await exchange.respond(std::move(response));
}

}  // namespace ebb::gateway
