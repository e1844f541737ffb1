// common_chat_parse and the difference to what it said before.
#include "engine_llama/library_reader.h"

#include <chat.h>

#include <exception>

#include "domain/limits.h"

namespace ebb::engine_llama {

struct LibraryReader::State {
  common_chat_parser_params parser;
  common_chat_msg message;
  std::string text;
  int calls_max = 1;
};

LibraryReader::LibraryReader(const common_chat_params& format, int calls_max) : state_(std::make_unique<State>()) {
  state_->parser = common_chat_parser_params(format);
  state_->parser.reasoning_format = COMMON_REASONING_FORMAT_DEEPSEEK;
  state_->parser.parser.load(format.parser);
  state_->calls_max = calls_max;
}

LibraryReader::~LibraryReader() = default;

std::vector<domain::Text> LibraryReader::add(std::string_view text) {
  state_->text += text;
  return parse(true);
}

std::vector<domain::Text> LibraryReader::finish() { return parse(false); }

bool LibraryReader::called() const { return !state_->message.tool_calls.empty(); }

// A call is over when the next has begun; the last one is over with the answer.
bool LibraryReader::complete() const { return std::cmp_greater(state_->message.tool_calls.size(), state_->calls_max); }

std::vector<domain::Text> LibraryReader::parse(bool is_partial) {
  common_chat_msg next;
  try {
    next = common_chat_parse(state_->text, is_partial, state_->parser);
  } catch (const std::exception&) {
    // The model broke off the format. What was understood so far stands; if that is nothing, the text is the answer.
    if (is_partial || !state_->message.empty()) return {};
    next.content = state_->text;
  }
  std::vector<domain::Text> out;
  size_t begun = state_->message.tool_calls.size();
  try {
    for (const common_chat_msg_diff& diff : common_chat_msg_diff::compute_diffs(state_->message, next)) {
      if (!diff.reasoning_content_delta.empty()) out.push_back({.text = diff.reasoning_content_delta, .part = domain::Part::kReasoning});
      if (!diff.content_delta.empty()) out.push_back({.text = diff.content_delta});
      if (diff.tool_call_index == std::string::npos || std::cmp_greater_equal(diff.tool_call_index, state_->calls_max)) continue;
      // The library says a name again when an id comes after it.
      const bool begins = diff.tool_call_index >= begun;
      if (!begins && diff.tool_call_delta.arguments.empty()) continue;
      begun = std::max(begun, diff.tool_call_index + 1);
      out.push_back({.text = diff.tool_call_delta.arguments,
                     .part = domain::Part::kToolCall,
                     .tool_index = static_cast<int>(diff.tool_call_index),
                     .tool_name = begins ? diff.tool_call_delta.name.substr(0, domain::kToolNameBytesMax) : std::string()});
    }
  } catch (const std::exception&) {
    return {};  // a later text reads differently from an earlier one: nothing new is certain
  }
  state_->message = std::move(next);
  return out;
}

}  // namespace ebb::engine_llama
