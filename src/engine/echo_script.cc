// Words to numbers, by one table.
#include "engine/echo_script.h"

#include <fmt/format.h>

#include <charconv>
#include <string>

namespace ebb::engine {

namespace {

// Past these a script is a mistake: an hour, a million tokens, a terabyte.
constexpr int64_t kNumberMax = 3'600'000;

Result<int64_t> parse_number(std::string_view key, std::string_view text) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0 || value > kNumberMax)
    return fail(ErrorKind::kInvalid, fmt::format("the echo script says {}={}; a number from 0 to {} is needed", key, text, kNumberMax), "messages");
  return value;
}

bool set_flag(EchoScript& script, std::string_view word) {
  if (word == "crash_on_start") return script.crash_on_start = true;
  if (word == "refuse") return script.refuse = true;
  if (word == "call_tool") return script.call_tool = true;
  if (word == "load_fail") return script.load_fail = true;
  if (word == "load_crash") return script.load_crash = true;
  if (word == "load_hang") return script.load_hang = true;
  return false;
}

int64_t* plain_number(EchoScript& script, std::string_view key) {
  if (key == "delay_ms") return &script.delay_ms;
  if (key == "tps") return &script.tps;
  if (key == "crash_at") return &script.crash_at;
  if (key == "hang_at") return &script.hang_at;
  if (key == "garbage_at") return &script.garbage_at;
  if (key == "allocate_mib") return &script.allocate_mib;
  if (key == "load_ms") return &script.load_ms;
  return nullptr;
}

Status read_word(EchoScript& script, std::string_view word) {
  const size_t equals = word.find('=');
  if (equals == std::string_view::npos) {
    set_flag(script, word);
    return {};
  }
  const std::string_view key = word.substr(0, equals);
  int64_t* const plain = plain_number(script, key);
  std::optional<int64_t>* const optional = key == "tokens" ? &script.tokens : key == "exit_code" ? &script.exit_code : nullptr;
  if (plain == nullptr && optional == nullptr) {
    // A flag may be written with =1.
    if (word.substr(equals) == "=1") set_flag(script, key);
    return {};
  }
  const Result<int64_t> number = parse_number(key, word.substr(equals + 1));
  if (!number) return fail(number.error());
  if (plain != nullptr) *plain = *number;
  if (optional != nullptr) *optional = *number;
  return {};
}

}  // namespace

Result<EchoScript> parse_echo_script(std::string_view words) {
  constexpr std::string_view kSeparators = " \t\r\n,";
  EchoScript script;
  while (!words.empty()) {
    const size_t begin = std::min(words.find_first_not_of(kSeparators), words.size());
    words.remove_prefix(begin);
    const size_t length = std::min(words.find_first_of(kSeparators), words.size());
    if (const Status read = read_word(script, words.substr(0, length)); !read) return fail(read.error());
    words.remove_prefix(length);
  }
  return script;
}

Result<EchoScript> echo_script_of(const domain::Call& call) {
  std::string words;
  if (const auto* texts = std::get_if<domain::Texts>(&call.input)) {
    const auto* first = std::get_if<std::string>(&texts->inputs.front().text);
    return first == nullptr ? EchoScript{} : echo_script_of_model(*first);
  }
  const auto* chat = std::get_if<domain::Chat>(&call.input);
  if (chat == nullptr) return EchoScript{};
  for (const domain::ChatMessage& message : chat->messages) {
    if (message.role == "system" || message.role == "developer") words.append(message.content).append(" ");
  }
  return parse_echo_script(words);
}

Result<EchoScript> echo_script_of_model(std::string_view model_name) {
  constexpr std::string_view kPrefix = "echo:";
  if (!model_name.starts_with(kPrefix)) return EchoScript{};
  return parse_echo_script(model_name.substr(kPrefix.size()));
}

}  // namespace ebb::engine
