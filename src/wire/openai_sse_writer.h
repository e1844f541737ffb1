// What the streams of OpenAI's chats and completions have in common. Private to wire/.
#pragma once

#include <string>

#include "wire/answer.h"
#include "wire/openai.h"
#include "wire/sse.h"

namespace ebb::wire {

// One choice after the other, then the usage where it was asked for, then [DONE]; or an error, where the stream breaks off.
class OpenAiSseWriter : public AnswerWriter {
 public:
  explicit OpenAiSseWriter(bool include_usage) : include_usage_(include_usage) {}

  std::string_view stream_content_type() const final { return kSseContentType; }
  std::string keep_alive() const final { return std::string(kSseComment); }
  std::string ended(const Answered& answered) final {
    std::string out;
    if (include_usage_) append_sse(out, usage_chunk(answered));
    out += kSseDone;
    return out;
  }
  std::string failed(const Answered& answered, const Error& error, std::string_view request_id) final {
    std::string out;
    append_sse(out, openai_stream_error(error, request_id, answered.usage.completion_tokens));
    return out;
  }

 protected:
  bool includes_usage() const { return include_usage_; }
  // The chunk without choices that has the usage, as JSON.
  virtual std::string usage_chunk(const Answered& answered) const = 0;

 private:
  bool include_usage_;
};

}  // namespace ebb::wire
