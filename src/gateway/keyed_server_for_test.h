// For tests of requests with an Idempotency-Key: a server whose calls are counted, and what an answer says.
#pragma once

#include "gateway/test_server.h"

namespace ebb::gateway {

inline constexpr const char* kKeyLine = "Idempotency-Key: k-1\r\n";

inline std::string header_in(const std::string& answer, const std::string& name) {
  const size_t at = answer.find("\r\n" + name + ": ");
  if (at == std::string::npos) return "(none)";
  const size_t begin = at + name.size() + 4;
  return answer.substr(begin, answer.find("\r\n", begin) - begin);
}
inline std::string body_in(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }

struct KeyedServer : TestServer {
  KeyedServer() {
    on_loop([this] { platform.make_function("f"); });
  }
  size_t calls() {
    return on_loop([this] { return platform.seen_.size(); });
  }
  // The stream of the call, once there are so many.
  std::shared_ptr<invoke::CallStream> stream(size_t count = 1) {
    until([this, count] { return platform.seen_.size() >= count; });
    return on_loop([this] { return platform.seen_.back().stream; });
  }
  void push(const std::shared_ptr<invoke::CallStream>& to, domain::CallEvent event) {
    on_loop([&] { to->push(std::move(event)); });
  }
  void finish(const std::shared_ptr<invoke::CallStream>& stream, const std::string& text) {
    push(stream, domain::Text{.text = text, .tokens = 1});
    push(stream, domain::Finished{.completion_tokens = 1});
  }
  void fail_endpoint(const std::string& name, std::optional<domain::Outcome> outcome, int64_t billed_ms) {
    FakePlatform::Script script;
    script.events = {domain::Failed{.error = {.kind = ErrorKind::kUnavailable, .message = "it broke"}}};
    script.outcome = outcome;
    script.billed_ms = billed_ms;
    script.cost = billed_ms;
    on_loop([&] { platform.add_endpoint(name, script); });
  }
};

}  // namespace ebb::gateway
