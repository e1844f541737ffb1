// A walk over the places where schemas stand.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "domain/limits.h"
#include "wire/json_alternatives.h"
#include "wire/json_pattern.h"
#include "wire/openai_read.h"

namespace ebb::wire {

namespace {

constexpr std::array kRepeats = std::to_array<std::string_view>({"minItems", "maxItems", "minLength", "maxLength"});
constexpr std::array kRanges = std::to_array<std::pair<std::string_view, std::string_view>>(
    {{"minItems", "maxItems"}, {"minLength", "maxLength"}, {"minimum", "maximum"}, {"exclusiveMinimum", "exclusiveMaximum"}});
// Keywords that would narrow what is valid, and that the grammar does not know.
constexpr std::array kNotHeld = std::to_array<std::string_view>(
    {"not", "if", "then", "else", "uniqueItems", "multipleOf", "contains", "minContains", "maxContains", "patternProperties", "propertyNames",
     "dependentRequired", "dependentSchemas", "dependencies", "unevaluatedProperties", "unevaluatedItems", "minProperties", "maxProperties"});
constexpr std::array kBoundsOfNumbers = std::to_array<std::string_view>({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"});

constexpr std::array kListsOfSchemas = std::to_array<std::string_view>({"anyOf", "oneOf", "allOf", "prefixItems", "items"});
constexpr std::array kSchemas = std::to_array<std::string_view>({"items", "additionalProperties"});
constexpr std::array kMapsOfSchemas = std::to_array<std::string_view>({"properties", "$defs", "definitions"});

size_t count_values(const json::value& value) {
  size_t count = 1;
  if (const json::array* array = value.if_array()) {
    for (const json::value& one : *array)
      count += count_values(one);
  } else if (const json::object* object = value.if_object()) {
    for (const auto& member : *object)
      count += count_values(member.value());
  }
  return count;
}

bool is_of_numbers(const json::value* type) {
  const auto is_number = [](const json::value& one) { return one.is_string() && one.get_string() == "number"; };
  if (type == nullptr) return false;
  return type->is_array() ? std::ranges::any_of(type->get_array(), is_number) : is_number(*type);
}

// References to the whole schema ("#") are not known to the converter: the whole becomes a definition of its own.
constexpr std::string_view kWhole = "the whole";

bool refers_to_whole(const json::value& value) {
  if (const json::array* array = value.if_array()) return std::ranges::any_of(*array, refers_to_whole);
  const json::object* object = value.if_object();
  if (object == nullptr) return false;
  return std::ranges::any_of(*object, [](const auto& member) {
    const bool is_reference = member.key() == "$ref" && member.value().is_string();
    return is_reference ? member.value().get_string() == "#" || member.value().get_string() == "#/" : refers_to_whole(member.value());
  });
}

void redirect(json::value& value) {
  if (json::array* array = value.if_array()) std::ranges::for_each(*array, redirect);
  json::object* object = value.if_object();
  if (object == nullptr) return;
  for (auto& member : *object) {
    if (member.key() != "$ref" || !member.value().is_string()) {
      redirect(member.value());
      continue;
    }
    const std::string_view to = member.value().get_string();
    if (!to.starts_with('#') || to.starts_with("#/$defs/") || to.starts_with("#/definitions/")) continue;
    member.value() = fmt::format("#/$defs/{}{}", kWhole, to == "#/" ? "" : to.substr(1));
  }
}

void give_whole_a_name(json::value& schema) {
  if (!refers_to_whole(schema)) return;
  redirect(schema);
  json::object& whole = schema.get_object();
  json::object root{{"$ref", fmt::format("#/$defs/{}", kWhole)}};
  for (const std::string_view key : {"$defs", "definitions"}) {
    if (json::value* definitions = whole.if_contains(key)) root[key] = std::move(*definitions);
    whole.erase(key);
  }
  if (!root["$defs"].is_object()) root["$defs"] = json::object{};
  root["$defs"].get_object()[kWhole] = std::move(whole);
  schema = std::move(root);
}

class Preparation {
 public:
  Preparation(std::string_view path, bool strict) : path_(path), strict_(strict) {}

  Status schema(json::value& value) {
    json::object* object = value.if_object();
    if (object == nullptr) return {};
    if (Status fine = keywords(*object); !fine) return fine;
    for (const std::string_view key : kSchemas) {
      if (json::value* inner = object->if_contains(key); inner != nullptr && inner->is_object()) {
        if (Status fine = schema(*inner); !fine) return fine;
      }
    }
    for (const std::string_view key : kListsOfSchemas) {
      json::value* list = object->if_contains(key);
      if (list == nullptr || !list->is_array()) continue;
      for (json::value& inner : list->get_array()) {
        if (Status fine = schema(inner); !fine) return fine;
      }
    }
    for (const std::string_view key : kMapsOfSchemas) {
      json::value* map = object->if_contains(key);
      if (map == nullptr || !map->is_object()) continue;
      for (auto& member : map->get_object()) {
        if (Status fine = schema(member.value()); !fine) return fine;
      }
    }
    return {};
  }

  std::unexpected<Error> wrong(std::string_view what) const { return fail(ErrorKind::kInvalid, fmt::format("'{}' {}", path_, what), path_); }

 private:
  Status keywords(json::object& object) {
    for (const std::string_view key : kRepeats) {
      const json::value* count = object.if_contains(key);
      if (count == nullptr || !count->is_number()) continue;
      const auto number = count->to_number<double>();
      if (number < 0 || number > static_cast<double>(domain::kSchemaRepeatsMax))
        return wrong(fmt::format("has a '{}' of {}: from 0 to {} can be held to", key, number, domain::kSchemaRepeatsMax));
    }
    for (const auto& [least, most] : kRanges) {
      const json::value* from = object.if_contains(least);
      const json::value* to = object.if_contains(most);
      if (from != nullptr && to != nullptr && from->is_number() && to->is_number() && from->to_number<double>() > to->to_number<double>())
        return wrong(fmt::format("has a '{}' above its '{}'", least, most));
    }
    const json::value* reference = object.if_contains("$ref");
    if (reference != nullptr && reference->is_string() && !reference->get_string().starts_with('#')) return wrong("has a '$ref' that leads out of the schema");
    if (Status fine = pattern(object); !fine || !strict_) return fine;
    for (const std::string_view key : kNotHeld) {
      if (object.contains(key)) return wrong(fmt::format("has '{}', which cannot be held to: leave it out, or give 'strict': false", key));
    }
    if (object.contains("pattern") && (object.contains("minLength") || object.contains("maxLength")))
      return wrong("has a 'pattern' beside a length: only one of them can be held to");
    if (!is_of_numbers(object.if_contains("type"))) return {};
    for (const std::string_view key : kBoundsOfNumbers) {
      if (object.contains(key)) return wrong(fmt::format("has '{}' for a 'number': it can be held to for an 'integer' only", key));
    }
    return {};
  }

  Status pattern(json::object& object) {
    json::value* written = object.if_contains("pattern");
    if (written == nullptr || !written->is_string()) return {};
    Result<std::string> holdable = holdable_pattern(written->get_string());
    if (holdable) {
      *written = json::string(*holdable);
    } else if (strict_) {
      return wrong(fmt::format("has a 'pattern' that cannot be held to: {}", holdable.error().message));
    } else {
      object.erase("pattern");
    }
    return {};
  }

  std::string path_;
  bool strict_;
};

}  // namespace

Status prepare_schema(json::value& schema, std::string_view path, bool strict) {
  Preparation preparation(path, strict);
  if (count_values(schema) > domain::kSchemaNodesMax) return preparation.wrong(fmt::format("has over {} values", domain::kSchemaNodesMax));
  if (json::serialize(schema).size() > domain::kSchemaBytesMax) return preparation.wrong(fmt::format("has over {} bytes", domain::kSchemaBytesMax));
  if (Status fine = preparation.schema(schema); !fine) return fine;
  if (schema.is_object()) give_whole_a_name(schema);
  if (!alternatives_at_once(schema, domain::kSchemaAlternativesMax))
    return preparation.wrong(
        fmt::format("has alternatives that begin alike and nest, so that over {} would have to be followed at once: let each begin with a "
                    "property that tells it from the others, such as {{\"const\": \"…\"}}",
                    domain::kSchemaAlternativesMax));
  return {};
}

}  // namespace ebb::wire
