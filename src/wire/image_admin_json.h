// What the admin API says of images and of logins at registries, in the manner of admin_json.h. Pure.
#pragma once

#include <string>

#include "base/json.h"
#include "base/result.h"
#include "domain/image.h"

namespace ebb::wire {

// The body of POST images.
struct AddImage {
  std::string name;
  std::string source;  // an absolute path on the server's machine, or a reference: host/name:tag
  bool operator==(const AddImage&) const = default;
};

// The body of PUT registries/{host}.
struct PutLogin {
  std::string username;
  std::string password;
  std::string token_server = {};
  bool operator==(const PutLogin&) const = default;
};

// One element of GET registries ({"registries": […]}): never with a password.
struct LoginRow {
  std::string registry;
  std::string username;
  std::string token_server = {};
  bool operator==(const LoginRow&) const = default;
};

json::value to_json(const domain::Image& image);
json::value to_json(const AddImage& request);
json::value to_json(const PutLogin& request);
json::value to_json(const LoginRow& row);

Result<domain::Image> image_from_json(const json::value& value);
Result<LoginRow> login_row_from_json(const json::value& value);
// Closed schemas: these are read by the server.
Result<AddImage> add_image_from_json(const json::value& value);
Result<PutLogin> put_login_from_json(const json::value& value);

}  // namespace ebb::wire
