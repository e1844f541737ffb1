// Errors of the server become errors of the command.
#include "cli/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace ebb::cli {

namespace {
constexpr long long kRetryAfterMax = 86'400;  // seconds
}

Server::Server(const Context& context, const Interrupt& interrupt)
    : http_(context.server, context.key, context.ca, "ebb/" + context.version, interrupt), interrupt_(interrupt) {}

Result<json::value> Server::get(std::string path, milliseconds time_max) { return call({.path = std::move(path), .time_max = time_max}); }

Result<json::value> Server::put(std::string path, const json::value& body) {
  return call({.method = "PUT", .path = std::move(path), .body = json::serialize(body)});
}

Result<json::value> Server::post(std::string path, const json::value& body) {
  return call({.method = "POST", .path = std::move(path), .body = json::serialize(body)});
}

Result<json::value> Server::remove(std::string path) { return call({.method = "DELETE", .path = std::move(path)}); }

Result<HttpResponse> Server::stream(HttpRequest request, const std::function<bool(std::string_view line)>& take) {
  Result<HttpResponse> response = http_.stream(request, take);
  if (response && response->status >= 300) return fail(error_of(*response));
  return response;
}

Result<json::value> Server::call(HttpRequest request) {
  const Result<HttpResponse> response = http_.send(request);
  if (!response) return fail(response.error());
  if (response->status >= 300) return fail(error_of(*response));
  if (response->body.empty()) return json::value(nullptr);
  Result<json::value> value = parse_json(response->body);
  if (!value) return fail(ErrorKind::kInternal, fmt::format("{} did not answer with JSON: is it an ebb server?", http_.server()));
  return value;
}

Error error_of(const HttpResponse& response) {
  const Result<json::value> value = parse_json(response.body);
  const json::object* const object = value ? value->if_object() : nullptr;
  const json::value* const inner = object != nullptr ? object->if_contains("error") : nullptr;
  if (inner == nullptr || !inner->is_object() || !inner->get_object().contains("message")) {
    const std::string text = printable(std::string_view(response.body).substr(0, 200));
    return Error{.kind = ErrorKind::kInternal, .message = fmt::format("the server answered {}: {}", response.status, text.empty() ? "nothing else" : text)};
  }
  Error error = wire::error_from_json(*value);
  error.code.clear();  // codes and kCancelled say how this program exits
  if (error.kind == ErrorKind::kCancelled) error.kind = ErrorKind::kInternal;
  if (response.status >= 500 && !response.request_id.empty()) error.message += fmt::format(" (request {})", response.request_id);
  if (error.retry_after.count() == 0) error.retry_after = seconds(std::clamp(std::atoll(response.retry_after.c_str()), 0LL, kRetryAfterMax));
  return error;
}

std::string endpoint_path(std::string_view name) { return "/ebb/v1/endpoints/" + url_encode(name); }

Status print_json(Context& context, const json::value& answer) {
  context.out.line(json::serialize(answer));
  return {};
}

int run_client(Context& context, const std::function<Status(Server&, Interrupt&)>& command) {
  Interrupt interrupt;
  Server server(context, interrupt);
  const Status done = command(server, interrupt);
  if (context.out.closed()) return kExitOk;
  if (!done) return report(context, done.error());
  return interrupt.raised() ? kExitInterrupted : kExitOk;
}

}  // namespace ebb::cli
