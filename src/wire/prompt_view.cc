// The worker sends lines of [id, spelling]; here they become one answer.
#include "wire/prompt_view.h"

#include "base/json.h"
#include "base/utf8.h"
#include "wire/openai.h"

namespace ebb::wire {

namespace {

class PromptWriter final : public WholeWriter {
 public:
  std::string whole(const Answered& answered) override {
    json::array tokens;
    std::string text;
    std::string_view rest = answered.choices[0].content;
    while (!rest.empty()) {
      const size_t end = std::min(rest.find('\n'), rest.size());
      const Result<json::value> line = parse_json(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      const json::array* pair = line ? line->if_array() : nullptr;
      // It comes from a worker: what is no token is not shown.
      if (pair == nullptr || pair->size() != 2 || !(*pair)[0].is_int64() || !(*pair)[1].is_string()) continue;
      text += std::string_view((*pair)[1].get_string());
      tokens.push_back({{"id", (*pair)[0]}, {"text", (*pair)[1]}});
    }
    return json::serialize(json::object{{"prompt_tokens", answered.usage.prompt_tokens}, {"text", std::move(text)}, {"tokens", std::move(tokens)}}) + "\n";
  }
};

Result<domain::Call> read_call(const std::string& body, bool is_chat) {
  if (is_chat) {
    Result<ChatRequest> request = parse_chat(body);
    if (!request) return fail(request.error());
    return std::move(request->call);
  }
  Result<CompletionRequest> request = parse_completion(body);
  if (!request) return fail(request.error());
  return std::move(request->prompts[0]);
}

}  // namespace

Result<Asked> ask_prompt_view(std::string_view body, const std::string& endpoint) {
  Result<json::value> value = parse_json(body);
  if (!value) return fail(value.error());
  json::object* object = value->if_object();
  if (object == nullptr) return fail(ErrorKind::kInvalid, "the body must be an object with 'messages' or 'prompt'");
  (*object)["model"] = endpoint;
  const bool is_chat = !object->contains("prompt");
  Result<domain::Call> call = read_call(json::serialize(*value), is_chat);
  if (!call) return fail(call.error());
  call->show_prompt = true;
  Asked asked{.calls = {}, .ignored = {}, .writer = std::make_unique<PromptWriter>()};
  asked.calls.push_back(std::move(*call));
  return asked;
}

std::string encode_shown_tokens(const std::vector<std::pair<int32_t, std::string>>& tokens) {
  std::string out;
  for (const auto& [id, bytes] : tokens)
    out += json::serialize(json::array{id, replace_invalid_utf8(bytes)}) + "\n";
  return out;
}

}  // namespace ebb::wire
