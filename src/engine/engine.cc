// What engines have in common.
#include "engine/engine.h"

#include <fmt/format.h>

namespace ebb::engine {

Error not_what_it_does(std::string_view what_it_does) {
  return Error{
      .kind = ErrorKind::kInvalid,
      .message = fmt::format("The model of this endpoint {}: it cannot answer this kind of request (`ebb ps` says what each endpoint is for)", what_it_does),
      .param = "model"};
}

Error all_slots_taken(int slots) { return {.kind = ErrorKind::kOverloaded, .message = fmt::format("all {} slots of the worker are taken", slots)}; }

Error context_exceeded(int64_t prompt_tokens, int64_t context_tokens) {
  return Error{.kind = ErrorKind::kInvalid,
               .message = fmt::format("This endpoint's context is {} tokens, but the messages take {} and the answer needs at least one: shorten the messages",
                                      context_tokens, prompt_tokens),
               .param = "messages",
               .code = "context_length_exceeded"};
}

}  // namespace ebb::engine
