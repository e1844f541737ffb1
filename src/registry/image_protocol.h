// What the server and ebb-fetch say to each other about an image, in the frame of fetch_protocol.h. Pure.
//
//   in    {"image": "/x.tar" | "docker://host/name:tag", "login": {…}?, "require_confinement": false}
//   out   {"phase": "download" | "copy" | "check" | "unpack" | "publish", "done": n, "total": n}      any number; total 0: not known
//   out   {"image": {"sha256": "…", "facts": {…}, "missing_layers": ["landlock"]}}   or   {"error": …}      exactly one, last
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "domain/image.h"

namespace ebb::registry {

// For one registry; a fetch is given the one of the registry that it talks to, or none.
struct RegistryLogin {
  std::string username;
  std::string password;
  // Origin ("https://host" or with its port) of the server that gives out the registry's tokens, where that is another than the registry.
  std::string token_server = {};
  bool operator==(const RegistryLogin&) const = default;
};
json::value to_json(const RegistryLogin& login);
Result<RegistryLogin> registry_login_from_json(const json::value& value, std::string path);

struct ImageFetchRequest {
  std::string source;
  std::optional<RegistryLogin> login = {};
  bool require_confinement = false;
  bool operator==(const ImageFetchRequest&) const = default;
};

struct ImageFetchResult {
  domain::Digest digest;  // of the manifest as it is stored
  domain::ImageFacts facts;
  std::vector<std::string> missing_layers = {};  // of the confinement of ebb-fetch's children
  bool operator==(const ImageFetchResult&) const = default;
};

json::value to_json(const ImageFetchRequest& request);
json::value to_json(const ImageFetchResult& result);
Result<ImageFetchRequest> image_fetch_request_from_json(const json::value& value);
// What stands under "image" in the last line.
Result<ImageFetchResult> image_fetch_result_from_json(const json::value& value);

}  // namespace ebb::registry
