// Any bytes as the schema of an answer: they become a grammar, or an error with a sentence, by the way that a caller's schema takes.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "engine_llama/grammar.h"
#include "wire/openai.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ebb;
  const std::string schema(reinterpret_cast<const char*>(data), size);
  for (const char* strict : {"false", "true"}) {
    const auto request = wire::parse_chat(
        R"({"model":"m","messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"name":"x","strict":)" +
        std::string(strict) + R"(,"schema":)" + schema + "}}}");
    if (!request) {
      EBB_CHECK(request.error().kind == ErrorKind::kInvalid && !request.error().message.empty());
      continue;
    }
    const auto& chat = std::get<domain::Chat>(request->call.input);
    if (!chat.json_schema) continue;
    const auto grammar = engine_llama::grammar_of_schema(*chat.json_schema);
    EBB_CHECK(grammar.has_value() ? !grammar->text.empty() : grammar.error().kind == ErrorKind::kInvalid && !grammar.error().message.empty());
  }
  return 0;
}
