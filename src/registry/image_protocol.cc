// Both directions, field by field.
#include "registry/image_protocol.h"

#include <utility>

#include "domain/image_json.h"

namespace ebb::registry {

json::value to_json(const RegistryLogin& login) { return {{"username", login.username}, {"password", login.password}, {"token_server", login.token_server}}; }

Result<RegistryLogin> registry_login_from_json(const json::value& value, std::string path) {
  ObjectReader reader(value, std::move(path));
  RegistryLogin login{.username = reader.required_string("username"),
                      .password = reader.required_string("password"),
                      .token_server = reader.string("token_server").value_or("")};
  reader.refuse_unknown({"username", "password", "token_server"});
  if (!reader.ok()) return fail(reader.error());
  return login;
}

json::value to_json(const ImageFetchRequest& request) {
  json::object out{{"image", request.source}, {"require_confinement", request.require_confinement}};
  if (request.login) out["login"] = to_json(*request.login);
  return out;
}

json::value to_json(const ImageFetchResult& result) {
  json::array layers;
  for (const std::string& layer : result.missing_layers)
    layers.emplace_back(layer);
  return {{"image", {{"sha256", result.digest.hex()}, {"facts", domain::to_json(result.facts)}, {"missing_layers", std::move(layers)}}}};
}

Result<ImageFetchRequest> image_fetch_request_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  ImageFetchRequest request;
  request.source = reader.required_string("image");
  if (const json::value* login = reader.find("login")) {
    Result<RegistryLogin> read = registry_login_from_json(*login, "login");
    if (!read) return fail(read.error());
    request.login = std::move(*read);
  }
  request.require_confinement = reader.boolean("require_confinement").value_or(false);
  reader.refuse_unknown({"image", "login", "require_confinement"});
  if (!reader.ok()) return fail(reader.error());
  return request;
}

Result<ImageFetchResult> image_fetch_result_from_json(const json::value& value) {
  ObjectReader reader(value, "image");
  ImageFetchResult result;
  const Result<domain::Digest> digest = domain::parse_digest(reader.required_string("sha256"));
  if (digest) {
    result.digest = *digest;
  } else {
    reader.add_error("sha256", digest.error().message);
  }
  const json::value* facts = reader.find("facts");
  Result<domain::ImageFacts> read = domain::image_facts_from_json(facts != nullptr ? *facts : json::value(nullptr), "image.facts");
  if (!read) return fail(read.error());
  result.facts = std::move(*read);
  if (const json::array* layers = reader.array("missing_layers")) {
    for (const json::value& layer : *layers) {
      if (layer.is_string() && result.missing_layers.size() < 16) result.missing_layers.emplace_back(layer.as_string());
    }
  }
  if (!reader.ok()) return fail(reader.error());
  return result;
}

}  // namespace ebb::registry
