// Reading, and the way from a field to its line.
#include "cli/spec_file.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>

#include "cli/context.h"
#include "cli/image.h"
#include "cli/model.h"
#include "domain/limits.h"

namespace ebb::cli {

Result<SpecFile> read_spec_file(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  std::error_code error;
  if (!stream || std::filesystem::is_directory(path, error)) return usage_error(fmt::format("cannot read '{}': is it a file, and yours to read?", path));
  std::string text(domain::kSpecBytesMax + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  Result<wire::YamlDocument> document = wire::read_yaml(text);
  if (!document) return usage_error(fmt::format("{}: {}", path, document.error().message));
  if (!document->value.is_object()) return usage_error(fmt::format("{}: write fields into it, such as `endpoint: chat` and `model: smol`", path));
  return SpecFile{.path = path, .spec = std::move(document->value.get_object()), .lines = std::move(document->lines)};
}

Result<domain::EndpointSpec> parse_spec_file(const SpecFile& file) {
  json::object spec = file.spec;
  const auto is_source = [&spec](std::string_view key, bool (*source)(const std::string&)) {
    const json::value* const value = spec.if_contains(key);
    return value != nullptr && value->is_string() && source(std::string(value->get_string()));
  };
  if (is_source("model", is_model_source)) spec["model"] = "added-first";
  if (is_source("image", is_image_source)) spec["image"] = "added-first";
  Result<domain::EndpointSpec> parsed = wire::parse_spec(spec);
  if (!parsed) return usage_error(at_line(file, parsed.error()).message);
  return parsed;
}

Error at_line(const SpecFile& file, Error error) {
  // "scaling.schedule[1].cron", then "scaling.schedule[1]", "scaling.schedule", "scaling".
  for (std::string field = error.param; !field.empty(); field.resize(field.find_last_of(".[") == std::string::npos ? 0 : field.find_last_of(".["))) {
    const auto line = file.lines.find(field);
    if (line != file.lines.end()) return error.with_context(fmt::format("{}, line {}", file.path, line->second));
  }
  return error;
}

}  // namespace ebb::cli
