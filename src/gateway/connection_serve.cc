// One request on its way from the wire to its handler.
#include <fmt/format.h>

#include "base/log.h"
#include "gateway/connection.h"
#include "gateway/handlers.h"
#include "gateway/head_check.h"
#include "gateway/idempotency.h"
#include "gateway/services.h"
#include "gateway/stages.h"
#include "wire/own_headers.h"

namespace ebb::gateway {

namespace {

std::string_view text(io::beast::string_view view) { return {view.data(), view.size()}; }

// A part of the bytes that all bodies together may take, given back when the request ends.
class BodyShare {
 public:
  BodyShare(Services& services, size_t bytes) : services_(services), bytes_(bytes) { services_.body_bytes += bytes_; }
  ~BodyShare() { services_.body_bytes -= bytes_; }
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;

 private:
  Services& services_;
  size_t bytes_;
};

Refusal no_route(std::string_view method, std::string_view path) {
  const bool own = dialect_of(path) == Dialect::kEbb;
  return refuse(
      404, ErrorKind::kNotFound,
      fmt::format("there is no {} {} here{}", method.substr(0, 16), path.substr(0, 200),
                  own ? ": docs/admin-api.md lists what there is" : ": docs/openai.md, docs/ollama.md and docs/inference-protocol.md list what there is"));
}

Refusal too_many_bodies() {
  Refusal refusal = refuse(503, ErrorKind::kOverloaded, "too many large requests at once");
  refusal.error.retry_after = milliseconds(1000);
  return refusal;
}

Response what_there_is(const Refusal& wrong) { return {.status = 204, .headers = wrong.headers}; }
Error handler_failed() { return {.kind = ErrorKind::kInternal, .message = "the server failed to handle the request: its log says why"}; }

Refusal wrong_method(std::string_view method, const std::string& allow) {
  return {.status = 405,
          .error = {.kind = ErrorKind::kInvalid, .message = fmt::format("the method {} is not allowed here: use {}", method.substr(0, 16), allow)},
          .headers = {{"Allow", allow}}};
}

// The caller's traceparent counts only if there is exactly one.
std::optional<wire::TraceContext> caller_trace(const io::http::fields& fields) {
  if (fields.count("traceparent") != 1) return std::nullopt;
  return wire::parse_traceparent(text(fields["traceparent"]));
}

void log_broken(const Exchange& exchange, const Route& route, const std::exception& problem) {
  log_error("a request handler failed", {{"request", exchange.request().id}, {"route", route.pattern}, {"problem", problem.what()}});
}

}  // namespace

Request Connection::new_request() {
  Request request;
  request.id = "req_" + to_hex(services_->request_ids.next());
  request.arrived = services_->clock.mono();
  const auto& random = services_->options.random;
  const uint64_t high = random();
  const uint64_t low = random();
  request.trace = wire::continue_trace(std::nullopt, {.high = high, .low = low, .span = random()});
  return request;
}

// The strict check, then the parser.
std::optional<Refusal> Connection::parse_head(std::string_view raw, Parser& parser) const {
  parser.header_limit(static_cast<uint32_t>(services_->options.header_bytes_max + 1024));
  parser.body_limit(boost::none);  // the route says how much; nothing of the body is parsed before it is known
  if (auto refusal = check_head(raw)) return refusal;
  io::ErrorCode error;
  parser.put(io::asio::const_buffer(raw.data(), raw.size()), error);
  if (error || !parser.is_header_done()) return refuse(400, ErrorKind::kInvalid, "the request's head is malformed: " + error.message());
  return std::nullopt;
}

// Returns whether the connection goes on.
io::Task<bool> Connection::serve(Head head) {
  const std::string_view raw(static_cast<const char*>(buffer_.data().data()), head.bytes == 0 ? buffer_.size() : head.bytes);
  Exchange exchange(*this, *services_, new_request(), dialect_of(path_of_head(raw)));
  Parser parser;
  if (!head.refusal) head.refusal = parse_head(raw, parser);
  std::string route = "_other";
  if (head.refusal) {
    exchange.close_after();
    Refusal refusal = std::move(*head.refusal);
    co_await exchange.refuse(std::move(refusal));
  } else {
    buffer_.consume(head.bytes);
    co_await serve_request(exchange, parser, route);
  }
  log(exchange, route);
  co_return exchange.ended() && exchange.keep_alive();
}

namespace {

// What the caller asks for besides, into the request.
std::optional<Refusal> read_own_headers(const io::http::request_header<>& message, Request& request) {
  std::optional<Refusal> refusal;
  const auto read = [&](std::string_view name, auto parse, auto& into) {
    const auto field = message.find(name);
    if (refusal || field == message.end()) return;
    auto parsed = parse(text(field->value()));
    if (parsed)
      into = std::move(*parsed);
    else
      refusal = Refusal{.error = parsed.error()};
  };
  read("Ebb-Deadline", parse_deadline, request.deadline);
  read("Ebb-Priority", wire::parse_priority, request.priority);
  read("Ebb-Tenant", wire::parse_tenant, request.tenant);
  read("Ebb-Max-Cost", wire::parse_max_cost, request.max_cost);
  read("Ebb-Keep-Alive", parse_keep_alive, request.keep_alive);
  return refusal;
}

// Which scope a route asks for; nullopt: none.
std::optional<domain::Scope> scope_of(Auth auth, bool peer_is_local) {
  switch (auth) {
    case Auth::kOpen: return std::nullopt;
    case Auth::kMetrics: return peer_is_local ? std::nullopt : std::optional(domain::Scope::kDeploy);
    case Auth::kInvoke: return domain::Scope::kInvoke;
    case Auth::kRead: return domain::Scope::kRead;
    case Auth::kDeploy: return domain::Scope::kDeploy;
    case Auth::kAdmin: return domain::Scope::kAdmin;
  }
  return domain::Scope::kAdmin;
}

// Only the last key's end brings this about: without any, a server does not begin to listen for others.
constexpr std::string_view kNoKeys = "this server has no keys any more, so only clients on its own machine may use it: make one there (`ebb key create`)";

// Who sends it, into the request.
std::optional<Refusal> read_principal(const Services& services, const io::http::request_header<>& message, domain::Scope scope, Request& request) {
  const auto field = [&](std::string_view name) { return text(message[name]); };
  // Clients send all kinds of things where no key is asked for.
  const Result<std::string> key =
      services.keyring.locked() ? wire::key_of(field("Authorization"), field("api-key"), field("x-api-key")) : Result<std::string>(std::string());
  if (!key) return Refusal{.error = key.error()};
  Result<domain::Principal> principal =
      services.keyring.admit(*key, {.scope = scope, .tenant = request.tenant, .priority = request.priority}, services.clock.wall());
  if (!principal) return Refusal{.error = principal.error()};
  request.principal = std::move(*principal);
  return std::nullopt;
}

}  // namespace

// Without keys it is enough to be on this machine, which a page in a browser is that has bound its name to one of the machine's own addresses. A key no
// page has: with keys, whoever knows the server by a name may use that.
std::optional<Refusal> Connection::check_names(const io::http::request_header<>& message) const {
  const bool any_host = services_->known_by_name && (services_->keyring.locked() || !peer_is_local_);
  const std::string_view host = text(message[io::http::field::host]);
  if (!any_host) {
    if (auto refusal = check_host(host)) return refusal;
  }
  if (message.count(io::http::field::origin) == 0) return std::nullopt;
  return check_origin(text(message[io::http::field::origin]), any_host ? host : std::string_view{});
}

std::optional<Refusal> Connection::apply_stages(Exchange& exchange, const Parser& parser, RouteMatch& match) const {
  Request& request = exchange.mutable_request();
  const auto& message = parser.get();
  const auto trace = caller_trace(message);
  if (trace) request.trace = wire::continue_trace(trace, {.span = request.trace.parent_id});
  if (auto refusal = check_names(message)) return refusal;
  for (const auto& field : message) {
    if (auto refusal = check_own_header(text(field.name_string()))) return refusal;
  }
  if (auto refusal = read_own_headers(message, request)) return refusal;
  Result<Target> path = parse_path(text(message.target()));
  if (!path) return Refusal{.error = path.error()};
  match = find_route(text(message.method_string()), path->path);
  const bool passed_on = match.route != nullptr && match.route->body == Body::kPieces;
  Result<Target> target = passed_on ? std::move(path) : parse_target(text(message.target()));
  if (!target) return Refusal{.error = target.error()};
  request.target = std::move(*target);
  if (match.route == nullptr)
    return match.allow.empty() ? no_route(text(message.method_string()), request.target.path) : wrong_method(text(message.method_string()), match.allow);
  exchange.set_dialect(match.route->dialect);
  const std::optional<domain::Scope> scope = scope_of(match.route->auth, peer_is_local_);
  if (scope && *scope != domain::Scope::kInvoke) {
    if (auto refusal = check_page(text(message[io::http::field::origin]), text(message["Sec-Fetch-Site"]))) return refusal;
  }
  if (scope && !peer_is_local_ && !services_->keyring.locked()) return refuse(401, ErrorKind::kUnauthorized, std::string(kNoKeys));
  if (scope) {
    if (auto refusal = read_principal(*services_, message, *scope, request)) return refusal;
  }
  request.params = std::move(match.params);
  return std::nullopt;
}

namespace {

// What changes something that others see, and what somebody was not let do. A prompt that is shown changes nothing.
void audit(Services& services, const Exchange& exchange, const Route* route) {
  if (route == nullptr || route->auth == Auth::kOpen || route->auth == Auth::kMetrics) return;
  const int status = exchange.status();
  if (status == 401 || status == 403) return services.audit.denied(route->pattern, status, services.clock.wall());
  const bool changes = (route->auth == Auth::kDeploy || route->auth == Auth::kAdmin) && route->method != "GET" && route->handler != show_prompt;
  if (!changes || status < 200 || status >= 300) return;
  services.audit.did(exchange.request().principal, route->method, exchange.request().target.path, status, services.clock.wall());
}

}  // namespace

size_t Connection::body_bytes_max(const Route* route) const {
  const bool tensors = route != nullptr && route->body == Body::kTensors;
  return tensors ? services_->options.tensor_body_bytes_max : services_->options.body_bytes_max;
}

io::Task<void> Connection::serve_request(Exchange& exchange, Parser& parser, std::string& route_pattern) {
  const auto& message = parser.get();
  const bool is_head = message.method() == io::http::verb::head;
  exchange.set_protocol(message.version() == 10, parser.keep_alive(), is_head);
  exchange.set_dialect(dialect_of(text(message.target())));
  const bool has_body = parser.chunked() || parser.content_length().value_or(0) > 0;
  const std::string_view expect = text(message[io::http::field::expect]);
  const bool expects_continue = io::beast::iequals(expect, "100-continue");

  RouteMatch match;
  std::optional<Refusal> refusal = apply_stages(exchange, parser, match);
  if (match.route != nullptr) route_pattern = match.route->pattern;
  if (!refusal && !expect.empty() && !expects_continue) refusal = refuse(417, ErrorKind::kInvalid, "Expect: only 100-continue is understood", "Expect");
  // With a key the whole body says whether the request is the same.
  const bool has_key = message.find(kIdempotencyKey) != message.end();
  const bool in_pieces = match.route != nullptr && match.route->body == Body::kPieces && !has_key;
  const size_t bytes_max = in_pieces ? domain::kFunctionBodyBytesMax : body_bytes_max(match.route);
  const bool length_known = !parser.chunked() && text(message[io::http::field::content_encoding]).empty();
  const size_t whole_bytes = !has_body ? 0 : length_known ? static_cast<size_t>(*parser.content_length()) : bytes_max;
  const size_t body_bytes = in_pieces ? std::min(whole_bytes, domain::kBodyWindowBytes) : whole_bytes;
  if (!refusal && has_body && !parser.chunked() && *parser.content_length() > bytes_max) refusal = body_too_large(bytes_max);
  if (!refusal && services_->body_bytes + body_bytes > services_->options.body_bytes_in_flight_max) refusal = too_many_bodies();
  if (refusal && has_body) exchange.close_after();  // its body stays unread
  const BodyShare share(*services_, refusal ? 0 : body_bytes);
  if (!refusal && in_pieces) {
    start_pieces(exchange, parser, expects_continue);
  } else {
    if (!refusal) {
      refusal = co_await read_body(parser, expects_continue, bytes_max);
      if (refusal) exchange.close_after();
    }
    exchange.mutable_request().message = parser.release();
  }
  if (left_) co_return;
  if (!refusal) {
    co_await call_handler(*match.route, exchange);
  } else if (refusal->status == 405 && exchange.request().message.method() == io::http::verb::options) {
    Response response = what_there_is(*refusal);
    co_await exchange.respond(std::move(response));
  } else {
    Refusal answer = std::move(*refusal);
    const bool for_key = has_key && match.route != nullptr && match.route->body == Body::kPieces && answer.error.kind == ErrorKind::kTooLarge;
    if (for_key) answer.error.message += ", the most that is taken together with an Idempotency-Key";
    co_await exchange.refuse(std::move(answer));
  }
  audit(*services_, exchange, match.route);
}

// The handler reads the body, in pieces.
void Connection::start_pieces(Exchange& exchange, Parser& parser, bool expects_continue) {
  exchange.mutable_request().message.base() = parser.get().base();
  pieces_.emplace(std::move(parser));
  pieces_->body_limit(domain::kFunctionBodyBytesMax);
  continue_owed_ = expects_continue;
}

io::Task<void> Connection::call_handler(const Route& route, Exchange& exchange) {
  bool broken = false;
  try {
    co_await route.handler(*services_, exchange);
  } catch (const std::exception& problem) {
    broken = true;
    log_broken(exchange, route, problem);
  }
  unwatch();
  pieces_.reset();
  reading_stopped_ = false;
  if (!broken) co_return;
  exchange.close_after();
  Error error = handler_failed();
  if (!exchange.started()) co_await exchange.fail(std::move(error));
}

void Connection::log(const Exchange& exchange, std::string_view route) const {
  const Request& request = exchange.request();
  const std::string_view method = text(request.message.method_string());
  const int status = left_ && !exchange.ended() ? 499 : exchange.status();
  const nanoseconds duration = services_->clock.mono() - request.arrived;
  services_->metrics.request_ended(route, request.message.method() == io::http::verb::unknown ? "_OTHER" : method, status, duration);
  const bool changes_something = method == "POST" || method == "PUT" || method == "DELETE";
  const LogLevel level = status >= 500 ? LogLevel::kWarn : changes_something ? LogLevel::kInfo : LogLevel::kDebug;
  const std::string_view client_id = text(request.message["X-Client-Request-Id"]);
  log_line(level, "request",
           {{"request", request.id},
            {"trace", wire::trace_id_hex(request.trace)},
            {"method", clean_text(method, 16)},
            {"route", route},
            {"status", status},
            {"ms", std::chrono::duration<double, std::milli>(duration).count()},
            {"endpoint", exchange.endpoint()},
            {"call", exchange.call()},
            {"replay_of", exchange.replay_of()},
            {"client_id", clean_text(client_id, 128)},
            {"error", clean_text(exchange.failure(), 300)}});
}

}  // namespace ebb::gateway
