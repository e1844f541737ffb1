// Parts of requests that several routes of OpenAI's API share. Private to wire/.
//
// Each reads its fields from the reader and leaves what is wrong in it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "domain/call.h"

namespace ebb::wire {

std::vector<domain::ChatMessage> read_messages(ObjectReader& reader);

// Chats describe a function inside "function" and a schema inside "json_schema"; responses in the object itself.
enum class ToolForm { kNested, kFlat };
// tools, tool_choice, parallel_tool_calls; `named`: the caller insists on one tool.
void read_tools(ObjectReader& reader, ToolForm form, domain::Chat& chat, bool& named);
// {"type": "text" | "json_object" | "json_schema", …} at `path`.
void read_format(const json::value& format, std::string path, ToolForm form, domain::Chat& chat, ObjectReader& parent);

// temperature, top_p, penalties, logit_bias, seed, stop
void read_sampling(ObjectReader& reader, domain::Sampling& sampling);

// A string, strings, tokens, or lists of tokens; at least one, none empty.
std::vector<domain::Prompt> read_prompts(ObjectReader& reader, std::string_view key, size_t most);

void read_stop(ObjectReader& reader, domain::Sampling& sampling);
void read_logprobs(ObjectReader& reader, domain::Sampling& sampling);
std::string read_model(ObjectReader& reader);
// `stream`, `stream_options`
void read_streaming(ObjectReader& reader, bool& stream, bool& include_usage);
// `n`; `bytes`: of the request, which each choice holds until it runs.
int64_t read_choices(ObjectReader& reader, std::string_view key, size_t bytes);
// The same call so many times, the seed rising by one.
std::vector<domain::Call> choices_of(const domain::Call& call, int64_t count);

// What may be the name of a tool or a schema.
bool is_tool_name(std::string_view name);

// Makes a schema one that a grammar can hold a model to: bounds of size and repeats, patterns as json_pattern.h says. `strict`: what cannot be held
// to is refused by name; else it is left out, and the rest still holds. Error kInvalid with `path` as param.
Status prepare_schema(json::value& schema, std::string_view path, bool strict);

}  // namespace ebb::wire
