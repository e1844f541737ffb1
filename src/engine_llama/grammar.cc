// Rules for calls around the library's rules for schemas.
#include "engine_llama/grammar.h"

#include <fmt/format.h>
#include <json-schema-to-grammar.h>

#include <exception>

#include "base/utf8.h"
#include "engine_llama/generic_tools.h"

namespace ebb::engine_llama {

namespace {

constexpr size_t kReasonBytesMax = 300;
// A schema within its bounds compiles to far less; what does not would be slow with every token.
constexpr size_t kGrammarBytesMax = 1024 * 1024;

std::string reason(const std::exception& error) { return replace_invalid_utf8(std::string(error.what()).substr(0, kReasonBytesMax)); }

Result<Grammar> checked(Grammar grammar, std::string_view param) {
  grammar.param = param;
  if (grammar.text.size() > kGrammarBytesMax) return fail(ErrorKind::kInvalid, "The schema is too complex", std::string(param));
  return grammar;
}

}  // namespace

Result<Grammar> grammar_of_schema(const std::string& json_schema) {
  try {
    return checked({.text = json_schema_to_grammar(common_json::parse(json_schema), true)}, "response_format");
  } catch (const std::exception& error) {
    return fail(ErrorKind::kInvalid, fmt::format("The schema cannot be held to: {}", reason(error)), "response_format");
  }
}

Result<Grammar> grammar_of_tools(const domain::Chat& chat) {
  const int calls_max = chat.parallel_tool_calls ? kGenericCallsMax : 1;
  std::vector<common_chat_schema_document> schemas;  // outlive the builder
  try {
    for (const domain::Tool& tool : chat.tools)
      schemas.push_back(common_chat_schema_from_json(common_json::parse(tool.parameters)));
    const bool lazy = chat.tool_choice == domain::ToolChoice::kAuto && !chat.json_schema;
    std::optional<common_chat_schema_document> content;
    if (chat.tool_choice == domain::ToolChoice::kAuto && chat.json_schema) content = common_chat_schema_from_json(common_json::parse(*chat.json_schema));

    std::string text = build_grammar([&](const common_grammar_builder& builder) {
      std::string any;
      for (size_t i = 0; i < chat.tools.size(); ++i) {
        const std::string name = fmt::format("tool-{}", i);
        const std::string arguments = builder.add_schema(name + "-arguments", *schemas[i].root);
        const std::string head = gbnf_format_literal(fmt::format("{}{}{}", kNameBegin, chat.tools[i].name, kArgumentsBegin));
        any += (any.empty() ? "" : " | ") + builder.add_rule(name, fmt::format("{} {} \"}}\"", head, arguments));
      }
      const std::string one =
          builder.add_rule("call", fmt::format("{} ({}) {}", gbnf_format_literal(std::string(kCallBegin)), any, gbnf_format_literal(std::string(kCallEnd))));
      std::string root = one;
      if (calls_max > 1) root += fmt::format(" (\"\\n\" {}){{0,{}}}", one, calls_max - 1);
      if (content) root = fmt::format("{} | {}", builder.add_rule("calls", root), builder.add_schema("content", *content->root));
      builder.add_rule("root", root);
    });
    Grammar grammar{.text = std::move(text), .lazy = lazy};
    if (lazy) grammar.triggers.push_back({.kind = Grammar::Trigger::Kind::kWord, .value = std::string(kCallBegin.substr(0, kCallBegin.size() - 1))});
    return checked(std::move(grammar), "tools");
  } catch (const std::exception& error) {
    return fail(ErrorKind::kInvalid, fmt::format("The parameters of a tool cannot be held to: {}", reason(error)), "tools");
  }
}

}  // namespace ebb::engine_llama
