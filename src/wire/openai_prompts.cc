// Texts that stand for themselves: what completions continue, and what embeddings are made of.
#include <fmt/format.h>

#include <limits>

#include "wire/openai_read.h"

namespace ebb::wire {

namespace {

// `path`: of this one, for people; the error's param is the whole field, as the API has it.
struct Place {
  std::string_view key;
  std::string path;
};

void refuse(ObjectReader& reader, const Place& place, std::string_view what) { reader.add_error(place.key, fmt::format("'{}' {}", place.path, what)); }

std::vector<int32_t> read_tokens(ObjectReader& reader, const json::array& list, const Place& place) {
  std::vector<int32_t> tokens;
  for (const json::value& one : list) {
    const bool fits = one.is_int64() && one.get_int64() >= 0 && one.get_int64() <= std::numeric_limits<int32_t>::max();
    if (!fits) {
      refuse(reader, place, "must hold token ids only");
      return {};
    }
    tokens.push_back(static_cast<int32_t>(one.get_int64()));
  }
  if (tokens.empty()) refuse(reader, place, "is empty");
  return tokens;
}

domain::Prompt read_text(ObjectReader& reader, std::string_view text, const Place& place) {
  if (text.empty()) refuse(reader, place, "is empty");
  // Engines take text as C strings here and there: what follows a NUL would be lost.
  if (text.find('\0') != std::string_view::npos) refuse(reader, place, "has a NUL character");
  return {.text = std::string(text)};
}

}  // namespace

std::vector<domain::Prompt> read_prompts(ObjectReader& reader, std::string_view key, size_t most) {
  constexpr std::string_view kForms = "a string, an array of strings, tokens, or arrays of tokens";
  const Place whole{.key = key, .path = std::string(key)};
  const json::value* value = reader.find(key);
  std::vector<domain::Prompt> prompts;
  if (value == nullptr) {
    refuse(reader, whole, fmt::format("is required: {}", kForms));
  } else if (value->is_string()) {
    prompts.push_back(read_text(reader, value->get_string(), whole));
  } else if (!value->is_array() || value->get_array().empty()) {
    refuse(reader, whole, fmt::format("must be {}, and not empty", kForms));
  } else if (const json::array& list = value->get_array(); list[0].is_number()) {
    prompts.push_back({.text = read_tokens(reader, list, whole)});
  } else if (list.size() > most) {
    refuse(reader, whole, fmt::format("has {} entries, at most {} are allowed", list.size(), most));
  } else {
    for (size_t i = 0; i < list.size() && reader.ok(); ++i) {
      const Place place{.key = key, .path = fmt::format("{}[{}]", key, i)};
      if (list[i].is_string()) {
        prompts.push_back(read_text(reader, list[i].get_string(), place));
      } else if (list[i].is_array()) {
        prompts.push_back({.text = read_tokens(reader, list[i].get_array(), place)});
      } else {
        refuse(reader, place, "must be a string or an array of tokens");
      }
    }
  }
  return prompts;
}

}  // namespace ebb::wire
