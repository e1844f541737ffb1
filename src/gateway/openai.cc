// POST /v1/chat/completions, /v1/completions, /v1/responses and /v1/embeddings: their parsers, and the common way from there.
#include "wire/openai.h"
#include "gateway/answer.h"
#include "gateway/exchange.h"
#include "gateway/handlers.h"

namespace ebb::gateway {

io::Task<void> chat_completions(Services& services, Exchange& exchange) {
  return answer(services, exchange, wire::Operation::kChat, wire::ask_chat(exchange.request().body()));
}

io::Task<void> completions(Services& services, Exchange& exchange) {
  return answer(services, exchange, wire::Operation::kTextCompletion, wire::ask_completion(exchange.request().body()));
}

io::Task<void> responses(Services& services, Exchange& exchange) {
  return answer(services, exchange, wire::Operation::kChat, wire::ask_response(exchange.request().body()));
}

io::Task<void> embeddings(Services& services, Exchange& exchange) {
  return answer(services, exchange, wire::Operation::kEmbeddings, wire::ask_embeddings(exchange.request().body()));
}

io::Task<void> no_stored_response(Services& /*services*/, Exchange& exchange) {
  Error error{.kind = ErrorKind::kNotFound, .message = "This server keeps no responses: each is in the answer to its request only", .param = "response_id"};
  co_await exchange.fail(std::move(error));
}

}  // namespace ebb::gateway
