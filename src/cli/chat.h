// A conversation with an endpoint over /v1/chat/completions.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "cli/server.h"

namespace ebb::cli {

struct ChatOptions {
  std::string endpoint;
  std::vector<std::string> question;
  std::string system;
  std::optional<int64_t> max_tokens;
  std::optional<double> temperature;
};

// What one line of the stream adds. Pure.
struct ChatDelta {
  std::string text;
  std::string finish_reason;
  std::string cost;  // decimal, as the server wrote it; of the last line, as are the rest
  std::string tier;
  int64_t billed_ms = 0;
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
};
// Error: what the server said in the stream. Lines that are no event, and "[DONE]", add nothing.
Result<ChatDelta> read_chat_line(std::string_view line);

class Conversation {
 public:
  Conversation(Context& context, Server& server, const ChatOptions& options);

  // Asks, prints the answer as it comes, keeps both. After an error or an interrupt the history holds what was said so far.
  Status ask(const std::string& question);

 private:
  struct Answer;
  json::value request() const;
  void take(const ChatDelta& delta, Answer& answer);
  void print_summary(const Answer& answer);

  Context& context_;
  Server& server_;
  const ChatOptions& options_;
  json::array messages_;
};

}  // namespace ebb::cli
