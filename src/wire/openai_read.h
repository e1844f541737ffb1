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

// tools, tool_choice, parallel_tool_calls; `named`: the caller insists on one tool.
void read_tools(ObjectReader& reader, domain::Chat& chat, bool& named);
// response_format
void read_response_format(ObjectReader& reader, domain::Chat& chat);

// temperature, top_p, penalties, logit_bias, seed, stop
void read_sampling(ObjectReader& reader, domain::Sampling& sampling);

// What may be the name of a tool or a schema.
bool is_tool_name(std::string_view name);

// Makes a schema one that a grammar can hold a model to: bounds of size and repeats, patterns as json_pattern.h says. `strict`: what cannot be held
// to is refused by name; else it is left out, and the rest still holds. Error kInvalid with `path` as param.
Status prepare_schema(json::value& schema, std::string_view path, bool strict);

}  // namespace ebb::wire
