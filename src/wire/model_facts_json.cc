// Both directions, field by field.
#include "wire/model_facts_json.h"

#include <limits>
#include <utility>

namespace ebb::wire {

json::value to_json(const domain::ModelFacts& facts) {
  return {{"architecture", facts.architecture},
          {"title", facts.title},
          {"quantization", facts.quantization},
          {"parameters", facts.parameters},
          {"weights_bytes", facts.weights_bytes},
          {"layers", facts.layers},
          {"train_context", facts.train_context},
          {"vocabulary", facts.vocabulary},
          {"kv_bytes_per_token", facts.kv_bytes_per_token},
          {"has_chat_template", facts.has_chat_template},
          {"pooling", facts.pooling},
          {"width", facts.width}};
}

Result<domain::ModelFacts> model_facts_from_json(const json::value& value, std::string path) {
  ObjectReader reader(value, std::move(path));
  const auto integer = [&reader](std::string_view key, int64_t min) {
    if (!reader.has(key)) reader.add_error(key, "'" + std::string(key) + "' is required");
    return reader.integer(key, min, std::numeric_limits<int64_t>::max()).value_or(0);
  };
  domain::ModelFacts facts;
  facts.architecture = reader.required_string("architecture");
  facts.title = reader.required_string("title");
  facts.quantization = reader.required_string("quantization");
  facts.parameters = static_cast<uint64_t>(integer("parameters", 0));
  facts.weights_bytes = static_cast<uint64_t>(integer("weights_bytes", 0));
  facts.layers = integer("layers", 1);
  facts.train_context = integer("train_context", 1);
  facts.vocabulary = integer("vocabulary", 1);
  facts.kv_bytes_per_token = static_cast<uint64_t>(integer("kv_bytes_per_token", 0));
  facts.has_chat_template = reader.boolean("has_chat_template").value_or(false);
  facts.pooling = reader.string("pooling").value_or("");
  facts.width = reader.integer("width", 0, std::numeric_limits<int64_t>::max()).value_or(0);
  if (!reader.ok()) return fail(reader.error());
  return facts;
}

}  // namespace ebb::wire
