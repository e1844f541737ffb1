// What a dialect asks of the platform, and how it writes the answers: the two ends of every route that generates. Pure.
//
// A route's parser makes an Asked: one call for each choice, and the writer that knows the dialect. The gateway runs the calls, collects what
// comes into Answered, and gives the writer every piece as it comes (a stream) or all of it at the end.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/call.h"
#include "domain/usage.h"

namespace ebb::wire {

// Named as in the conventions for metrics of generative AI.
enum class Operation { kChat, kTextCompletion, kEmbeddings, kInference, kClassification, kFunction };

// What all parts of one answer have in common.
struct AnswerHead {
  std::string id;  // hex digits, ours; a dialect puts its own prefix before it
  int64_t created = 0;
  std::string model;
};

// One choice, as far as it has come.
struct AnswerChoice {
  std::string content;
  std::string reasoning;
  std::vector<domain::ToolCall> tool_calls;
  std::vector<domain::TokenLogprob> logprobs;
  domain::FinishReason reason = domain::FinishReason::kStop;
  bool operator==(const AnswerChoice&) const = default;
};

struct AnswerUsage {
  int64_t prompt_tokens = 0;  // of each prompt once
  int64_t completion_tokens = 0;
  int64_t cached_tokens = 0;     // of the prompts'
  int64_t reasoning_tokens = 0;  // of the completions'
  // What the calls cost; absent where it is not known.
  struct Cost {
    std::string cost;
    int64_t billed_ms = 0;
    domain::Tier tier = domain::Tier::kWarm;
  };
  std::optional<Cost> cost;
  nanoseconds total{0};     // from the request's arrival to the last piece …
  nanoseconds to_first{0};  // … and to the first; waits and starts are part of both
  nanoseconds to_start{0};  // … and to its slot
};

struct Answered {
  AnswerHead head;
  std::vector<AnswerChoice> choices;
  AnswerUsage usage;
};

class AnswerWriter {
 public:
  virtual ~AnswerWriter() = default;

  // The body of an answer that is not streamed. `check` is asked once before: what came, but cannot be written as it was asked for. Type and further
  // headers are asked after it.
  virtual Status check() { return {}; }
  virtual std::string whole(const Answered& answered) = 0;
  virtual std::string_view content_type() const { return "application/json"; }
  virtual domain::HttpHeaders headers() const { return {}; }

  // A stream, in the order of these functions: each returns what goes out, perhaps nothing. What came so far is in `answered`, this piece
  // included.
  virtual std::string_view stream_content_type() const = 0;
  virtual std::string open(const Answered& answered) = 0;
  // Nothing was to be said for a while, and the caller asked for signs of life. May be nothing.
  virtual std::string keep_alive() const { return {}; }
  virtual std::string piece(const Answered& answered, size_t choice, const domain::Text& text) = 0;
  virtual std::string choice_ended(const Answered& answered, size_t choice) = 0;
  virtual std::string ended(const Answered& answered) = 0;
  // The stream breaks off after this.
  virtual std::string failed(const Answered& answered, const Error& error, std::string_view request_id) = 0;

  // The next vector of an answer that consists of them. Each is written when it comes: thousands at once would hold up everyone else.
  virtual void add_vector(const domain::Vector& /*vector*/) {}
  // Likewise the next tensor, its elements, and the labels of the next sample.
  virtual void begin_tensor(const domain::TensorStart& /*start*/) {}
  virtual void add_bytes(const domain::Bytes& /*bytes*/) {}
  virtual void add_labels(const domain::Labels& /*labels*/) {}
};

// Of routes that never stream.
class WholeWriter : public AnswerWriter {
 public:
  std::string_view stream_content_type() const final { return {}; }
  std::string open(const Answered& /*answered*/) final { return {}; }
  std::string piece(const Answered& /*answered*/, size_t /*choice*/, const domain::Text& /*text*/) final { return {}; }
  std::string choice_ended(const Answered& /*answered*/, size_t /*choice*/) final { return {}; }
  std::string ended(const Answered& /*answered*/) final { return {}; }
  std::string failed(const Answered& /*answered*/, const Error& /*error*/, std::string_view /*request_id*/) final { return {}; }
};

struct Asked {
  std::vector<domain::Call> calls;  // one for each choice, at least one
  size_t choices_per_prompt = 1;
  bool stream = false;
  std::vector<std::string> ignored;  // names of fields without effect, at most kIgnoredMax, printable ASCII
  std::unique_ptr<AnswerWriter> writer;
};
inline constexpr size_t kIgnoredMax = 16;

}  // namespace ebb::wire
