// An endpoint's specification as users write it, in YAML or JSON, to and from domain::EndpointSpec. Pure.
//
//   endpoint: chat             # required
//   model: smol@3              # required unless `engine: echo`
//   engine: llama              # llama | onnx | echo; left out: what the model's format needs
//   image: resize@2            # instead of a model: a function, with the fields of spec_function.h
//   memory: 512MiB             # left out: from the model
//   context: 4096              # tokens of one slot; left out: the model's own, at most 4096
//   scaling: {min: 0, max: 16, idle: auto, keep: auto, provisioned: 0,
//             schedule: [{cron: "0 8 * * 1-5", zone: Europe/Berlin, provisioned: 2}]}   # domain/cron.h; zone left out: UTC
//   limits: {queue: 200, wait: 30s, time: 2m}
//
// Ranges are those of domain/limits.h.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "domain/endpoint.h"

namespace ebb::wire {

// Closed schema: a field that is not listed above is refused by name, with the nearest known one where it looks like a slip.
// Error: kInvalid with the path of the field as param ("scaling.max").
Result<domain::EndpointSpec> parse_spec(const json::value& value);

// What parse_spec reads back as the same value; defaults are written out, absent optionals and an empty provision are left out.
json::value spec_to_json(const domain::EndpointSpec& spec);

// One YAML document of at most kSpecBytesMax bytes and kSpecDepthMax levels; no anchors, aliases, tags or duplicate keys.
// An empty text or one of comments only is null. Plain true/false, null and numbers get their JSON types, anything quoted is a string. Error: kInvalid
// (kTooLarge for the size) with "line L, column C: …", counted from 1.
Result<json::value> yaml_to_json(std::string_view yaml);

// The same with the line of each field, by its path ("scaling.max", "scaling.schedule[0].cron"), so that what is wrong with a value can be pointed at.
struct YamlDocument {
  json::value value;
  std::map<std::string, int, std::less<>> lines;
};
Result<YamlDocument> read_yaml(std::string_view yaml);

// The nearest of `known` to what was written, or empty if none is near enough to be meant.
std::string_view nearest_word(std::string_view written, const std::vector<std::string_view>& known);

}  // namespace ebb::wire
