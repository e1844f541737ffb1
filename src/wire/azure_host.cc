// Reading of the fields that we keep; the rest is for Azure's own host.
#include "wire/azure_host.h"

#include "base/json.h"

namespace ebb::wire {

Result<AzureHandler> parse_azure_host(std::string_view text) {
  const Result<json::value> value = parse_json(text);
  if (!value) return fail(value.error().with_context("host.json"));
  ObjectReader host(*value, "host.json");
  const json::object* custom = host.object("customHandler");
  if (custom == nullptr)
    return fail(ErrorKind::kInvalid, "host.json names no customHandler: only custom handlers run without Azure's own host", "customHandler");
  const json::value custom_value(*custom);
  ObjectReader handler(custom_value, "customHandler");
  const json::object* described = handler.object("description");
  const json::value description_value = described == nullptr ? json::value(json::object()) : json::value(*described);
  ObjectReader description(description_value, "customHandler.description");
  AzureHandler found;
  found.argv.push_back(description.required_string("defaultExecutablePath"));
  found.working_directory = description.string("workingDirectory").value_or("");
  found.proxy_calls = handler.boolean("enableProxyingHttpRequest").value_or(false);
  if (const json::array* arguments = description.array("arguments"))
    for (const json::value& argument : *arguments) {
      if (argument.is_string()) {
        found.argv.emplace_back(argument.as_string());
      } else {
        description.add_error("arguments", "an argument must be a text");
      }
    }
  if (found.argv.front().empty()) description.add_error("defaultExecutablePath", "it must name a program");
  for (ObjectReader* reader : {&host, &handler, &description})
    if (!reader->ok()) return fail(reader->error());
  return found;
}

}  // namespace ebb::wire
