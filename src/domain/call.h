// One call as every dialect means it: what is asked, and the stream of events that answers it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "domain/http.h"
#include "domain/money.h"
#include "domain/priority.h"
#include "domain/tensor.h"

namespace ebb::domain {

// A function that the model asked its caller to run.
struct ToolCall {
  std::string id;  // the caller's label; ours where we make one
  std::string name;
  std::string arguments;  // JSON text of an object
  bool operator==(const ToolCall&) const = default;
};

struct ChatMessage {
  std::string role;                       // system, developer, user, assistant, tool
  std::string content;                    // UTF-8
  std::vector<ToolCall> tool_calls = {};  // of an assistant
  std::string tool_call_id = {};          // of a tool: which call this is the result of
  bool operator==(const ChatMessage&) const = default;
};

struct Tool {
  std::string name;  // is_tool_name
  std::string description;
  std::string parameters;  // JSON text of a schema for an object
  bool operator==(const Tool&) const = default;
};

// kRequired: the answer is calls of tools and nothing else.
enum class ToolChoice { kNone, kAuto, kRequired };

// A conversation, put into the model's own words by its template.
struct Chat {
  std::vector<ChatMessage> messages;
  std::vector<Tool> tools;  // only those that may be called
  ToolChoice tool_choice = ToolChoice::kAuto;
  bool parallel_tool_calls = true;         // false: at most one call in an answer
  std::optional<std::string> json_schema;  // JSON text of a schema: content is JSON that fits it
  bool operator==(const Chat&) const = default;
};

// Text, or tokens of the model's vocabulary, to be continued as it stands.
struct Prompt {
  std::variant<std::string, std::vector<int32_t>> text;
  bool operator==(const Prompt&) const = default;
};

// Texts to be turned into vectors, each for itself.
struct Texts {
  std::vector<Prompt> inputs;         // tokens are taken as they stand: what the vocabulary puts around a text is not added
  std::optional<int64_t> dimensions;  // of each vector: its first so many, scaled to length 1 again; absent: all
  bool cut_to_fit = false;            // what is longer than the model takes is cut at its end; else it is refused
  bool operator==(const Texts&) const = default;
};

// Pictures (JPEG, PNG) or texts, each to be given labels.
struct Samples {
  enum class Kind { kText, kImage };
  Kind kind = Kind::kText;
  std::vector<std::string> items;  // UTF-8, or a picture's file
  int top = 5;                     // labels for each, the likeliest first
  bool operator==(const Samples&) const = default;
};

struct Sampling {
  std::optional<int64_t> max_tokens;  // absent: up to the context's end
  double temperature = 1.0;           // 0: greedy
  double top_p = 1.0;
  int top_k = 0;     // 0: all
  double min_p = 0;  // of the likeliest token's probability
  double repeat_penalty = 1;
  double presence_penalty = 0;
  double frequency_penalty = 0;
  std::map<int32_t, double> logit_bias;  // token → added to its logit
  std::optional<int64_t> seed;           // absent: the worker picks one
  std::vector<std::string> stop;         // the text from a stop string on is not returned
  std::optional<int> top_logprobs;       // how many alternatives come with each token's log probability; absent: neither
  bool operator==(const Sampling&) const = default;
};

struct Call {
  std::string endpoint;
  std::variant<Chat, Prompt, Texts, Tensors, Samples, HttpRequest> input;
  Sampling sampling;                     // of text
  bool show_prompt = false;              // instead of an answer: the prompt as the model gets it (wire/prompt_view.h)
  std::optional<milliseconds> deadline;  // the caller's own; the endpoint's limits hold besides
  std::optional<Priority> priority;      // absent: the endpoint's
  std::string tenant;                    // on whose account; tenants of one class share an endpoint's slots fairly
  std::string key = {};                  // by which line of keys; budgets of it hold
  std::optional<Pico> max_cost = {};     // what it may cost at most: it is refused if it may cost more
  CallId id = {};                        // where its caller had to know it before; else the platform makes one
  bool operator==(const Call&) const = default;
};

enum class FinishReason { kStop, kLength, kToolCalls };

// By the model's own distribution, before sampling changes it.
struct TokenLogprob {
  struct Candidate {
    std::string bytes;   // may be part of a character
    double logprob = 0;  // natural; never below kLogprobMin
    bool operator==(const Candidate&) const = default;
  };
  Candidate chosen;
  std::vector<Candidate> top;  // most likely first
  bool operator==(const TokenLogprob&) const = default;
};
inline constexpr double kLogprobMin = -9999.0;

// The answer, in order: Started, then by the input
//
//   Chat, Prompt   Text…
//   Texts          one Vector for each input
//   Tensors        for each output TensorStart, Bytes…
//   Samples        one Labels for each item
//   HttpRequest    HttpHead, Bytes…, perhaps Trailers
//
// and exactly one of Finished and Failed.
struct Started {
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;  // of them, known from an earlier call of the same revision
  microseconds restore{0};    // of the time to the first text: bringing back what was saved of them
};

// What a piece of an answer belongs to.
enum class Part { kContent, kReasoning, kToolCall };

struct Text {
  std::string text;    // whole UTF-8 characters; may be empty (a token whose text is held back)
  int64_t tokens = 0;  // generated tokens that this event stands for
  Part part = Part::kContent;
  int tool_index = 0;          // kToolCall: which call of the answer, from 0, rising; the text continues its arguments
  std::string tool_name = {};  // kToolCall: in the first piece of each call, and only there
  std::vector<TokenLogprob> logprobs = {};
};
struct Vector {
  std::vector<float> values;  // finite, of length 1
};
struct TensorStart {
  TensorHead head;
  uint64_t bytes = 0;  // of its elements, which follow
};
// A piece of what was announced: the elements of a tensor, the body of an HTTP answer.
struct Bytes {
  std::string data;
};
struct Labels {
  struct Label {
    std::string label;
    float score = 0;  // finite
    bool operator==(const Label&) const = default;
  };
  std::vector<Label> labels;
  bool operator==(const Labels&) const = default;
};
struct Trailers {
  HttpHeaders headers;
};
struct Finished {
  FinishReason reason = FinishReason::kStop;
  int64_t prompt_tokens = 0;
  int64_t completion_tokens = 0;
};
struct Failed {
  Error error;
  int64_t completion_tokens = 0;  // given out before
};
using CallEvent = std::variant<Started, Text, Vector, TensorStart, Bytes, Labels, HttpHead, Trailers, Finished, Failed>;

}  // namespace ebb::domain
