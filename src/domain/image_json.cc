// Both directions, field by field.
#include "domain/image_json.h"

#include <fmt/format.h>

#include <limits>
#include <utility>

#include "domain/limits.h"

namespace ebb::domain {

namespace {

json::array list_of(const std::vector<std::string>& texts) {
  json::array out;
  for (const std::string& text : texts)
    out.emplace_back(text);
  return out;
}

json::value to_json(const ImageConfig& config) {
  json::object labels;
  for (const auto& [name, value] : config.labels)
    labels[name] = value;
  return {{"entrypoint", list_of(config.entrypoint)},
          {"cmd", list_of(config.cmd)},
          {"env", list_of(config.env)},
          {"workdir", config.workdir},
          {"user", config.user},
          {"exposed_ports", list_of(config.exposed_ports)},
          {"labels", std::move(labels)},
          {"stop_signal", config.stop_signal}};
}

std::vector<std::string> texts(ObjectReader& reader, std::string_view key) {
  std::vector<std::string> out;
  const json::array* array = reader.array(key);
  if (array == nullptr) return out;
  if (array->size() > kImageConfigStringsMax) reader.add_error(key, fmt::format("'{}' has more than {} elements", key, kImageConfigStringsMax));
  for (const json::value& element : *array) {
    if (!element.is_string()) reader.add_error(key, fmt::format("'{}' must have strings only", key));
    if (!reader.ok()) return out;
    out.emplace_back(element.get_string());
  }
  return out;
}

uint64_t count(ObjectReader& reader, std::string_view key) {
  if (!reader.has(key)) reader.add_error(key, fmt::format("'{}' is required", key));
  return static_cast<uint64_t>(reader.integer(key, 0, std::numeric_limits<int64_t>::max()).value_or(0));
}

Digest digest(ObjectReader& reader, std::string_view key) {
  const Result<Digest> parsed = parse_digest(reader.required_string(key));
  if (!parsed) reader.add_error(key, parsed.error().message);
  return parsed.value_or(Digest{});
}

ImageConfig config_of(const json::value& value, std::string path, ObjectReader& parent) {
  ObjectReader reader(value, std::move(path));
  ImageConfig config{.entrypoint = texts(reader, "entrypoint"),
                     .cmd = texts(reader, "cmd"),
                     .env = texts(reader, "env"),
                     .workdir = reader.string("workdir").value_or(""),
                     .user = reader.string("user").value_or(""),
                     .exposed_ports = texts(reader, "exposed_ports"),
                     .labels = {},
                     .stop_signal = reader.string("stop_signal").value_or("")};
  if (const json::object* labels = reader.object("labels")) {
    for (const auto& [name, text] : *labels) {
      if (!text.is_string()) reader.add_error("labels", "'labels' must have strings only");
      if (reader.ok()) config.labels.emplace_back(name, text.get_string());
    }
  }
  if (!reader.ok()) parent.adopt(reader.error());
  return config;
}

}  // namespace

json::value to_json(const ImageFacts& facts) {
  json::array layers;
  for (const ImageLayer& layer : facts.layers)
    layers.push_back({{"sha256", layer.digest.hex()}, {"bytes", layer.bytes}});
  return {{"architecture", facts.architecture}, {"os", facts.os},
          {"config", to_json(facts.config)},    {"config_sha256", facts.config_digest.hex()},
          {"layers", std::move(layers)},        {"unpacked_bytes", facts.unpacked_bytes},
          {"notes", list_of(facts.notes)}};
}

Result<ImageFacts> image_facts_from_json(const json::value& value, std::string path) {
  ObjectReader reader(value, std::move(path));
  ImageFacts facts;
  facts.architecture = reader.required_string("architecture");
  facts.os = reader.required_string("os");
  if (const json::value* config = reader.find("config")) {
    facts.config = config_of(*config, reader.path_of("config"), reader);
  } else {
    reader.add_error("config", "'config' is required");
  }
  facts.config_digest = digest(reader, "config_sha256");
  if (const json::array* layers = reader.array("layers")) {
    if (layers->size() > kImageLayersMax) reader.add_error("layers", fmt::format("'layers' has more than {} elements", kImageLayersMax));
    for (const json::value& layer : *layers) {
      ObjectReader one(layer, reader.path_of("layers"));
      facts.layers.push_back({.digest = digest(one, "sha256"), .bytes = count(one, "bytes")});
      if (!one.ok()) reader.adopt(one.error());
      if (!reader.ok()) break;
    }
  }
  facts.unpacked_bytes = count(reader, "unpacked_bytes");
  facts.notes = texts(reader, "notes");
  if (!reader.ok()) return fail(reader.error());
  return facts;
}

}  // namespace ebb::domain
