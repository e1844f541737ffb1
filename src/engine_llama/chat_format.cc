// Which way a conversation goes, and everything that exceptions of the library's templates may come out of.
#include "engine_llama/chat_format.h"

#include <chat.h>
#include <fmt/format.h>
#include <llama.h>

#include <exception>

#include "base/utf8.h"
#include "domain/limits.h"
#include "engine_llama/generic_tools.h"
#include "engine_llama/heap_limit.h"
#include "engine_llama/library_reader.h"

namespace ebb::engine_llama {

namespace {

// Reading a template takes a few megabytes, a conversation of megabytes some ten times its size.
constexpr size_t kReadingBytesMax = 64UL << 20U;
constexpr size_t kRenderingBytesMax = 256UL << 20U;

constexpr size_t kReasonBytesMax = 300;

std::string reason(const std::exception& error) { return replace_invalid_utf8(std::string(error.what()).substr(0, kReasonBytesMax)); }

Result<std::vector<Token>> not_taken(const std::exception& error) {
  return fail(ErrorKind::kInvalid, fmt::format("The model's chat template does not take these messages: {}", reason(error)), "messages");
}

std::vector<std::string> control_spellings(const LoadedModel& model) {
  const llama_vocab* vocabulary = llama_model_get_vocab(model.get());
  std::vector<std::string> spellings;
  for (Token token = 0; token < model.vocabulary_size(); ++token) {
    if (llama_vocab_is_control(vocabulary, token)) spellings.emplace_back(llama_vocab_get_text(vocabulary, token));
  }
  return spellings;
}

Status check_text(std::string_view text, std::string_view param) {
  if (!is_utf8(text)) return fail(ErrorKind::kInvalid, "A message is not valid UTF-8", std::string(param));
  if (text.find('\0') != std::string_view::npos) return fail(ErrorKind::kInvalid, "A message contains a NUL character: leave it out", std::string(param));
  return {};
}

Status check(const domain::Chat& chat) {
  if (chat.messages.empty()) return fail(ErrorKind::kInvalid, "There are no messages: give at least one", "messages");
  for (const domain::ChatMessage& message : chat.messages) {
    if (Status fine = check_text(message.content, "messages"); !fine) return fine;
    for (const domain::ToolCall& call : message.tool_calls) {
      if (Status fine = check_text(call.name + call.arguments, "messages"); !fine) return fine;
    }
  }
  for (const domain::Tool& tool : chat.tools) {
    if (Status fine = check_text(tool.name + tool.description + tool.parameters, "tools"); !fine) return fine;
  }
  return {};
}

bool offers_tools(const domain::Chat& chat) { return !chat.tools.empty() && chat.tool_choice != domain::ToolChoice::kNone; }

common_chat_templates_inputs inputs_of(const std::vector<domain::ChatMessage>& messages, SpecialText::Guard& guard, bool add_bos) {
  common_chat_templates_inputs inputs;
  for (const domain::ChatMessage& message : messages) {
    common_chat_msg converted;
    converted.role = message.role == "developer" ? "system" : message.role;
    converted.content = guard.protect(message.content);
    converted.tool_call_id = guard.protect(message.tool_call_id);
    for (const domain::ToolCall& call : message.tool_calls)
      converted.tool_calls.push_back({.name = guard.protect(call.name), .arguments = guard.protect(call.arguments), .id = guard.protect(call.id)});
    inputs.messages.push_back(std::move(converted));
  }
  inputs.add_bos = add_bos;
  return inputs;
}

Grammar grammar_of(const common_chat_params& params, const LoadedModel& model) {
  Grammar grammar{.text = params.grammar, .lazy = params.grammar_lazy, .generation_prompt = params.generation_prompt};
  const llama_vocab* vocabulary = llama_model_get_vocab(model.get());
  const auto single = [vocabulary](const std::string& text) -> std::optional<Token> {
    const std::vector<Token> tokens = common_tokenize(vocabulary, text, false, true);
    return tokens.size() == 1 ? std::optional(tokens[0]) : std::nullopt;
  };
  for (const std::string& text : params.preserved_tokens) {
    if (const auto token = single(text)) grammar.preserved.insert(*token);
  }
  using Kind = Grammar::Trigger::Kind;
  for (const common_grammar_trigger& trigger : params.grammar_triggers) {
    // A word that is one token is looked for as that token, which keeps its text.
    const auto token = trigger.type == COMMON_GRAMMAR_TRIGGER_TYPE_WORD ? single(trigger.value) : std::nullopt;
    if (token) {
      grammar.preserved.insert(*token);
      grammar.triggers.push_back({.kind = Kind::kToken, .value = trigger.value, .token = *token});
      continue;
    }
    const Kind kind = trigger.type == COMMON_GRAMMAR_TRIGGER_TYPE_TOKEN          ? Kind::kToken
                      : trigger.type == COMMON_GRAMMAR_TRIGGER_TYPE_WORD         ? Kind::kWord
                      : trigger.type == COMMON_GRAMMAR_TRIGGER_TYPE_PATTERN_FULL ? Kind::kPatternFull
                                                                                 : Kind::kPattern;
    grammar.triggers.push_back({.kind = kind, .value = trigger.value, .token = trigger.token});
  }
  return grammar;
}

}  // namespace

ChatFormat::ChatFormat(const LoadedModel& model) : model_(&model), special_(control_spellings(model)) {}

Result<std::unique_ptr<ChatFormat>> ChatFormat::make(const LoadedModel& model) {
  std::unique_ptr<ChatFormat> format(new ChatFormat(model));
  try {
    const HeapLimit limit(kReadingBytesMax);
    format->templates_ = common_chat_templates_init(model.get(), "");
    const auto caps = common_chat_templates_get_caps(format->templates_.get());
    const auto can = [&caps](const char* what) {
      const auto found = caps.find(what);
      return found != caps.end() && found->second;
    };
    format->knows_tools_ = can("supports_tools") && can("supports_tool_calls");
    format->thinks_ = common_chat_templates_support_enable_thinking(format->templates_.get());
  } catch (const std::exception& error) {
    return fail(ErrorKind::kCorrupt, fmt::format("the model's chat template cannot be read: {}", reason(error)));
  }
  return format;
}

Result<Rendered> ChatFormat::render(const domain::Chat& chat) const {
  if (const Status fine = check(chat); !fine) return fail(fine.error());
  const bool talks_of_tools = offers_tools(chat) || std::ranges::any_of(chat.messages, [](const domain::ChatMessage& message) {
                                return message.role == "tool" || !message.tool_calls.empty();
                              });
  // The library's grammars for a call that is required let text come first, without end, and know no schema beside tools; ours do. And its templates
  // take parameters as they are, for the grammar too, so that a control token that is spelled in them would be one.
  const bool spelled = std::ranges::any_of(chat.tools, [this](const domain::Tool& tool) { return special_.occurs_in(tool.parameters); });
  if (offers_tools(chat) && (chat.tool_choice == domain::ToolChoice::kRequired || chat.json_schema || spelled)) return generic_tools(chat);
  if (thinks_ || (talks_of_tools && knows_tools_)) return by_library(chat);
  if (talks_of_tools) return generic_tools(chat);
  Result<Rendered> rendered = plain(chat.messages);
  if (!rendered || !chat.json_schema) return rendered;
  Result<Grammar> grammar = grammar_of_schema(*chat.json_schema);
  if (!grammar) return fail(grammar.error());
  rendered->grammar = std::move(*grammar);
  return rendered;
}

Result<Rendered> ChatFormat::plain(const std::vector<domain::ChatMessage>& messages) const {
  SpecialText::Guard guard(special_);
  const bool add_bos = llama_vocab_get_add_bos(llama_model_get_vocab(model_->get()));
  std::string text;
  try {
    const HeapLimit limit(kRenderingBytesMax);
    common_chat_templates_inputs inputs = inputs_of(messages, guard, add_bos);
    // Only the text is wanted: without this, the library analyses the template for tool calls, with every call anew.
    inputs.force_pure_content = true;
    text = common_chat_templates_apply(templates_.get(), inputs).prompt;
  } catch (const std::exception& error) {
    return fail(not_taken(error).error());
  }
  Result<std::vector<Token>> prompt = tokens_of(guard, text);
  if (!prompt) return fail(prompt.error());
  return Rendered{.prompt = std::move(*prompt), .grammar = {}, .reader = nullptr, .stop = {}};
}

Result<Rendered> ChatFormat::generic_tools(const domain::Chat& chat) const {
  Result<Rendered> rendered = plain(without_tools(chat));
  if (!rendered) return rendered;
  if (!offers_tools(chat)) {
    if (!chat.json_schema) return rendered;
    Result<Grammar> grammar = grammar_of_schema(*chat.json_schema);
    if (!grammar) return fail(grammar.error());
    rendered->grammar = std::move(*grammar);
    return rendered;
  }
  Result<Grammar> grammar = grammar_of_tools(chat);
  if (!grammar) return fail(grammar.error());
  rendered->grammar = std::move(*grammar);
  rendered->reader = std::make_unique<GenericToolReader>(chat.tool_choice == domain::ToolChoice::kRequired, chat.parallel_tool_calls ? kGenericCallsMax : 1);
  return rendered;
}

Result<Rendered> ChatFormat::by_library(const domain::Chat& chat) const {
  SpecialText::Guard guard(special_);
  const bool add_bos = llama_vocab_get_add_bos(llama_model_get_vocab(model_->get()));
  common_chat_params params;
  Rendered rendered;
  try {
    const HeapLimit limit(kRenderingBytesMax);
    common_chat_templates_inputs inputs = inputs_of(chat.messages, guard, add_bos);
    if (offers_tools(chat)) {
      for (const domain::Tool& tool : chat.tools)
        inputs.tools.push_back({.name = tool.name, .description = guard.protect(tool.description), .parameters = tool.parameters});
    }
    inputs.tool_choice = offers_tools(chat) ? COMMON_CHAT_TOOL_CHOICE_AUTO : COMMON_CHAT_TOOL_CHOICE_NONE;
    inputs.parallel_tool_calls = chat.parallel_tool_calls;
    inputs.reasoning_format = COMMON_REASONING_FORMAT_DEEPSEEK;
    if (chat.json_schema) inputs.json_schema = *chat.json_schema;
    params = common_chat_templates_apply(templates_.get(), inputs);
    rendered.grammar = grammar_of(params, *model_);
    rendered.reader = std::make_unique<LibraryReader>(params, chat.parallel_tool_calls ? domain::kToolCallsMax : 1);
    rendered.stop = params.additional_stops;
  } catch (const std::exception& error) {
    return fail(not_taken(error).error());
  }
  Result<std::vector<Token>> prompt = tokens_of(guard, params.prompt);
  if (!prompt) return fail(prompt.error());
  rendered.prompt = std::move(*prompt);
  return rendered;
}

Result<std::vector<Token>> ChatFormat::tokens_of(const SpecialText::Guard& guard, const std::string& rendered) const {
  try {
    std::vector<Token> tokens;
    bool first = true;
    guard.parts(rendered, [&](std::string_view part, bool special) {
      const std::vector<Token> cut = common_tokenize(llama_model_get_vocab(model_->get()), std::string(part), first, special);
      tokens.insert(tokens.end(), cut.begin(), cut.end());
      first = false;
    });
    // The library ends the process for an empty prompt, and for tokens that it does not have.
    if (tokens.empty()) return fail(ErrorKind::kInvalid, "The messages are empty: the model would get nothing to answer", "messages");
    for (const Token token : tokens) {
      if (!model_->is_token(token)) return fail(ErrorKind::kInvalid, "The messages contain what the model's vocabulary has no token for", "messages");
    }
    return tokens;
  } catch (const std::exception& error) {
    return not_taken(error);
  }
}

}  // namespace ebb::engine_llama
