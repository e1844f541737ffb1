// `ebb chat`: one question, or a conversation on a terminal.
#include "cli/chat.h"

#include <fmt/format.h>

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <limits>

#include "cli/commands.h"
#include "cli/human.h"
#include "cli/lines.h"
#include "cli/progress.h"
#include "cli/terminal.h"
#include "domain/limits.h"

namespace ebb::cli {

namespace {

constexpr milliseconds kSayWakingAfter{700};

}  // namespace

struct Conversation::Answer {
  explicit Answer(Output& err) : bar(err) {}
  std::string text;
  std::string finish_reason;
  ChatDelta bill;  // of the last line
  MonoTime asked{};
  MonoTime first{};
  MonoTime ended{};
  ProgressBar bar;
  Status understood;
};

Result<ChatDelta> read_chat_line(std::string_view line) {
  ChatDelta delta;
  const auto data = sse_data(line);
  // An error before the stream began is plain JSON, which the status tells.
  if (!data || *data == "[DONE]") return delta;
  const Result<json::value> value = parse_json(*data);
  if (!value) return fail(ErrorKind::kInternal, "the server sent an event that is no JSON");
  ObjectReader reader(*value, "");
  if (reader.has("error")) return fail(error_of({.status = 200, .body = std::string(*data)}));
  if (const json::array* choices = reader.array("choices"); choices != nullptr && !choices->empty()) {
    ObjectReader choice((*choices)[0], "choices[0]");
    delta.finish_reason = choice.string("finish_reason").value_or("");
    if (const json::value* inner = choice.find("delta")) delta.text = ObjectReader(*inner, "delta").string("content").value_or("");
  }
  if (const json::value* usage = reader.find("usage")) {
    constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
    ObjectReader counts(*usage, "usage");
    delta.prompt_tokens = counts.integer("prompt_tokens", 0, kMax).value_or(0);
    delta.completion_tokens = counts.integer("completion_tokens", 0, kMax).value_or(0);
    if (const json::value* ebb = counts.find("ebb")) {
      ObjectReader bill(*ebb, "usage.ebb");
      delta.cost = bill.string("cost").value_or("");
      delta.tier = bill.string("tier").value_or("");
      delta.billed_ms = bill.integer("billed_ms", 0, kMax).value_or(0);
    }
  }
  return delta;
}

Conversation::Conversation(Context& context, Server& server, const ChatOptions& options) : context_(context), server_(server), options_(options) {
  if (!options.system.empty()) messages_.push_back({{"role", "system"}, {"content", options.system}});
}

json::value Conversation::request() const {
  json::object body{{"model", options_.endpoint}, {"messages", messages_}, {"stream", true}, {"stream_options", {{"include_usage", true}}}};
  if (options_.max_tokens) body["max_tokens"] = *options_.max_tokens;
  if (options_.temperature) body["temperature"] = *options_.temperature;
  return body;
}

void Conversation::take(const ChatDelta& delta, Answer& answer) {
  if (!delta.text.empty()) {
    if (answer.text.empty()) {
      answer.bar.clear();
      answer.first = context_.clock.mono();
    }
    answer.text += delta.text;
    context_.out.write(context_.out.terminal() ? printable(delta.text) : delta.text);
  }
  if (!delta.finish_reason.empty()) answer.finish_reason = delta.finish_reason;
  if (delta.prompt_tokens > 0) answer.bill = delta;
}

Status Conversation::ask(const std::string& question) {
  messages_.push_back({{"role", "user"}, {"content", question}});
  Answer answer(context_.err);
  answer.asked = context_.clock.mono();
  HttpRequest post{.method = "POST", .path = "/v1/chat/completions", .body = json::serialize(request()), .time_max = milliseconds(0)};
  post.tick = [&] {
    const nanoseconds waited = context_.clock.mono() - answer.asked;
    if (answer.text.empty() && waited >= kSayWakingAfter) answer.bar.note(fmt::format("waiting for {}: {}", options_.endpoint, human_time(waited)));
  };
  const auto response = server_.stream(std::move(post), [&](std::string_view line) {
    const Result<ChatDelta> delta = read_chat_line(line);
    if (!delta) {
      answer.understood = fail(delta.error());
      return false;
    }
    take(*delta, answer);
    return !context_.out.closed();
  });
  answer.bar.clear();
  answer.ended = context_.clock.mono();
  if (!answer.text.empty()) {
    if (!answer.text.ends_with('\n')) context_.out.write("\n");
    messages_.push_back({{"role", "assistant"}, {"content", answer.text}});
  } else if (!response || !answer.understood) {
    messages_.pop_back();  // as if it had not been asked
  }
  if (!response) return fail(response.error());
  if (!answer.understood || context_.out.closed()) return answer.understood;
  if (answer.finish_reason.empty()) return fail(ErrorKind::kIo, "the answer ended before it was whole: the server or its worker went away");
  print_summary(answer);
  return {};
}

void Conversation::print_summary(const Answer& answer) {
  Output& err = context_.err;
  if (answer.finish_reason == "length") err.line(err.styled(Style::kYellow, "(cut at the most tokens; --max-tokens or a new conversation gives it room)"));
  if (!err.terminal()) return;
  const ChatDelta& bill = answer.bill;
  std::string text = fmt::format("{} + {} tokens", bill.prompt_tokens, bill.completion_tokens);
  if (!answer.text.empty()) text += fmt::format(" · first after {}", human_time(answer.first - answer.asked));
  if (!bill.tier.empty()) text += fmt::format(" ({})", printable(bill.tier));
  text += fmt::format(" · {}", human_time(answer.ended - answer.asked));
  if (!bill.cost.empty()) text += fmt::format(" · {} ms billed: {}", bill.billed_ms, printable(bill.cost));
  err.line(err.styled(Style::kDim, text));
}

namespace {

Status converse(Context& context, Interrupt& interrupt, Conversation& conversation) {
  context.err.line(context.err.styled(Style::kDim, "Ctrl-C stops an answer; Ctrl-D, or Ctrl-C here, ends the conversation."));
  LineReader reader(context.in, domain::kHttpBodyBytesMax, interrupt);
  std::string question;
  while (!context.out.closed()) {
    context.err.write(context.err.styled(Style::kBold, "> "));
    const LineReader::End end = reader.next(question);
    if (end == LineReader::End::kTooLong) return usage_error("that question is too long");
    if (end != LineReader::End::kLine) {
      context.err.write("\n");
      break;
    }
    if (question.find_first_not_of(" \t\r") == std::string::npos) continue;
    const Status asked = conversation.ask(question);
    if (!asked && asked.error().kind == ErrorKind::kCancelled) {
      interrupt.clear();
      context.err.line(context.err.styled(Style::kDim, "(stopped)"));
    } else if (!asked) {
      report(context, asked.error());
      if (asked.error().code == kUnreachable) return asked;
    }
  }
  return {};
}

Status chat(Context& context, Server& server, Interrupt& interrupt, const ChatOptions& options) {
  Conversation conversation(context, server, options);
  if (!options.question.empty()) return conversation.ask(fmt::format("{}", fmt::join(options.question, " ")));
  if (isatty(context.in) != 0) return converse(context, interrupt, conversation);
  std::string question;
  LineReader reader(context.in, domain::kHttpBodyBytesMax, interrupt);
  const LineReader::End end = reader.rest(question);
  if (end == LineReader::End::kInterrupted) return fail(ErrorKind::kCancelled, "interrupted");
  if (end == LineReader::End::kTooLong) return usage_error(fmt::format("the question on stdin is longer than {}", human_bytes(domain::kHttpBodyBytesMax)));
  if (question.find_first_not_of(" \t\r\n") == std::string::npos) return usage_error("there is no question: give one as an argument or on stdin");
  return conversation.ask(question);
}

}  // namespace

void add_chat(CLI::App& app, Context& context) {
  CLI::App* const command = client_command(
      app, context, "chat",
      {.summary = "Ask an endpoint, or hold a conversation with it.",
       .details = "Without a question it is a conversation on a terminal; elsewhere the question is read from stdin.",
       .example = "  ebb chat chat \"Why is the sky blue?\"\n  ebb chat chat --system \"Answer in one sentence.\"\n  ebb chat chat < question.txt"});
  // Shared with the callback, which the app keeps.
  const auto options = std::make_shared<ChatOptions>();
  command->add_option("endpoint", options->endpoint, "Which endpoint")->type_name("ENDPOINT")->required();
  command->add_option("question", options->question, "The question; several words are joined by spaces")->type_name("QUESTION");
  command->add_option("--system", options->system, "How to answer, said before the conversation")->type_name("TEXT");
  command->add_option("--max-tokens", options->max_tokens, "Tokens of an answer at most")->type_name("N");
  command->add_option("--temperature", options->temperature, "0 for the likeliest words, up to 2 for wilder ones")->type_name("T");
  set_action(command, context, [&context, options](Server& server, Interrupt& interrupt) { return chat(context, server, interrupt, *options); });
}

}  // namespace ebb::cli
