// Reading of the fields that we keep; the rest is for Azure's own host.
#include "wire/azure_host.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "base/json.h"
#include "domain/limits.h"
#include "wire/passed_headers.h"

namespace ebb::wire {

namespace {

constexpr size_t kNameBytesMax = 127;
constexpr size_t kRouteBytesMax = 1'000;

// An object's own reader; of what is not there, one of nothing.
const json::value& value_or_nothing(const json::value* value) {
  static const json::value kNothing = json::object();
  return value == nullptr ? kNothing : *value;
}

bool has_zero(std::string_view text) { return text.find('\0') != std::string_view::npos; }

std::vector<std::string> read_argv(ObjectReader& description) {
  std::vector<std::string> argv{description.required_string("defaultExecutablePath")};
  if (argv.front().empty()) description.add_error("defaultExecutablePath", "it must name a program");
  const json::array* const arguments = description.array("arguments");
  if (arguments != nullptr && arguments->size() >= static_cast<size_t>(domain::kFunctionStringsMax)) description.add_error("arguments", "there are too many");
  for (size_t i = 0; description.ok() && arguments != nullptr && i < arguments->size(); ++i) {
    const json::value& argument = (*arguments)[i];
    if (!argument.is_string()) description.add_error("arguments", "an argument must be a text");
    if (argument.is_string()) argv.emplace_back(argument.get_string());
  }
  if (std::ranges::any_of(argv, has_zero)) description.add_error("arguments", "there is a zero byte in them");
  return argv;
}

// "{id}", "{id?}", "{id:int}", "{*rest}" as a whole segment, or plain text.
bool is_segment(std::string_view segment) {
  const auto plain = [](char c) { return static_cast<unsigned char>(c) > 0x20 && c != 0x7f && std::string_view("{}?#%\\").find(c) == std::string_view::npos; };
  if (!segment.starts_with('{') || !segment.ends_with('}') || segment.size() < 3) return !segment.empty() && std::ranges::all_of(segment, plain);
  return segment.find_first_of("{}", 1) == segment.size() - 1;
}

bool is_route(std::string_view route) {
  if (route.size() > kRouteBytesMax) return false;
  while (!route.empty()) {
    const size_t slash = std::min(route.find('/'), route.size());
    if (!is_segment(route.substr(0, slash)) || slash + 1 == route.size()) return false;
    route.remove_prefix(std::min(slash + 1, route.size()));
  }
  return true;
}

std::string without_slashes(std::string text) {
  while (text.starts_with('/'))
    text.erase(0, 1);
  while (text.ends_with('/'))
    text.pop_back();
  return text;
}

std::string read_route(ObjectReader& reader, std::string_view key, std::string_view proposed) {
  std::string route = without_slashes(reader.string(key).value_or(std::string(proposed)));
  if (!is_route(route)) reader.add_error(key, fmt::format("'{}' is no route that is understood here", route.substr(0, 80)));
  return route;
}

std::vector<std::string> read_methods(ObjectReader& binding) {
  std::vector<std::string> methods;
  const json::array* const words = binding.array("methods");
  for (size_t i = 0; words != nullptr && i < words->size(); ++i) {
    std::string method((*words)[i].is_string() ? std::string_view((*words)[i].get_string()) : std::string_view());
    const bool good = !method.empty() && method.size() <= 16 && std::ranges::all_of(method, [](unsigned char c) { return std::isalpha(c) != 0; });
    if (!good || methods.size() >= 16) binding.add_error("methods", "they must be names of methods");
    std::ranges::transform(method, method.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    methods.push_back(std::move(method));
  }
  return methods;
}

std::string read_name(ObjectReader& binding) {
  const std::string name = binding.required_string("name");
  if (name.empty() || name.size() > kNameBytesMax) binding.add_error("name", "it must be a name");
  return name;
}

}  // namespace

Result<AzureHost> parse_azure_host(std::string_view text) {
  const Result<json::value> value = parse_json(text);
  if (!value) return fail(value.error().with_context("host.json"));
  ObjectReader host(*value, "");
  if (host.ok() && host.object("customHandler") == nullptr)
    host.add_error("customHandler", "host.json names no customHandler: only custom handlers run without Azure's own host");
  ObjectReader handler(value_or_nothing(host.find("customHandler")), "customHandler");
  ObjectReader description(value_or_nothing(handler.find("description")), "customHandler.description");
  ObjectReader extensions(value_or_nothing(host.find("extensions")), "extensions");
  ObjectReader http(value_or_nothing(extensions.find("http")), "extensions.http");
  AzureHost found;
  found.argv = read_argv(description);
  found.working_directory = description.string("workingDirectory").value_or("");
  if (has_zero(found.working_directory)) description.add_error("workingDirectory", "there is a zero byte in it");
  const bool forwards = handler.boolean("enableForwardingHttpRequest").value_or(false);
  found.forwards = handler.boolean("enableProxyingHttpRequest").value_or(false) || forwards;
  found.prefix = read_route(http, "routePrefix", found.prefix);
  for (const ObjectReader* reader : {&host, &handler, &description, &extensions, &http})
    if (!reader->ok()) return fail(reader->error().with_context("host.json"));
  return found;
}

Result<std::optional<domain::AzureRoute>> parse_azure_function(std::string_view name, std::string_view text) {
  const Result<json::value> value = parse_json(text);
  if (!value) return fail(value.error().with_context(fmt::format("{}/function.json", name)));
  ObjectReader function(*value, "");
  std::optional<domain::AzureRoute> route;
  std::string output;
  const json::array* const bindings = function.array("bindings");
  for (size_t i = 0; bindings != nullptr && i < bindings->size(); ++i) {
    ObjectReader binding((*bindings)[i], fmt::format("bindings[{}]", i));
    const std::string type = binding.string("type").value_or("");
    if (same_name(type, "httpTrigger"))
      route = domain::AzureRoute{
          .function = std::string(name), .path = read_route(binding, "route", name), .methods = read_methods(binding), .input = read_name(binding)};
    if (same_name(type, "http")) output = read_name(binding);
    if (!binding.ok()) function.adopt(binding.error());
  }
  if (!function.ok()) return fail(function.error().with_context(fmt::format("{}/function.json", name)));
  if (route && !output.empty()) route->output = std::move(output);
  return route;
}

bool is_azure_function_name(std::string_view name) {
  const auto fits = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; };
  return !name.empty() && name.size() <= kNameBytesMax && std::isalpha(static_cast<unsigned char>(name.front())) != 0 && std::ranges::all_of(name, fits);
}

}  // namespace ebb::wire
