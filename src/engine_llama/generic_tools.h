// Tools for models whose template knows none: how they are put before the model, and how its answer is read. Pure.
//
// The form is the one that most small models with tools were trained on (Hermes, Qwen 2.5): the tools as JSON in the system message, and each
// call as
//
//   <tool_call>
//   {"name": "get_weather", "arguments": {"city": "Paris"}}
//   </tool_call>
//
// A grammar (grammar.h) holds the model to exactly these bytes once a call has begun, so that reading needs no tolerance.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "domain/call.h"
#include "engine_llama/answer_reader.h"

namespace ebb::engine_llama {

inline constexpr std::string_view kCallBegin = "<tool_call>\n";
inline constexpr std::string_view kCallEnd = "\n</tool_call>";
inline constexpr std::string_view kNameBegin = R"({"name": ")";
inline constexpr std::string_view kArgumentsBegin = R"(", "arguments": )";
// More in one answer are not begun: the grammar has an end.
inline constexpr int kGenericCallsMax = 32;

// The conversation in the roles that every template knows: tools in the system message, calls and results as text.
std::vector<domain::ChatMessage> without_tools(const domain::Chat& chat);

class GenericToolReader final : public AnswerReader {
 public:
  // `calls_only`: text beside calls is dropped; `calls_max`: complete() after so many.
  GenericToolReader(bool calls_only, int calls_max) : calls_only_(calls_only), calls_max_(calls_max) {}

  std::vector<domain::Text> add(std::string_view text) override;
  std::vector<domain::Text> finish() override;
  bool called() const override { return calls_ > 0; }
  bool complete() const override { return ended_ >= calls_max_; }

 private:
  enum class In { kText, kHead, kArguments };

  // One step forward in held_; false: more text is needed.
  bool advance(std::vector<domain::Text>& out);
  void give_arguments(size_t bytes, std::vector<domain::Text>& out);
  void give_text(std::string_view text, std::vector<domain::Text>& out) const;

  bool calls_only_;
  int calls_max_;
  In in_ = In::kText;
  std::string held_;
  int calls_ = 0;          // begun
  std::string arguments_;  // of the last
  int ended_ = 0;
};

}  // namespace ebb::engine_llama
