// Both directions, field by field.
#include "wire/image_admin_json.h"

#include <limits>

#include "domain/endpoint.h"
#include "domain/image_json.h"
#include "wire/time_text.h"

namespace ebb::wire {

json::value to_json(const domain::Image& image) {
  return {{"name", image.name},     {"version", image.version},          {"sha256", image.digest.hex()},
          {"source", image.source}, {"added", format_time(image.added)}, {"facts", domain::to_json(image.facts)}};
}
json::value to_json(const AddImage& request) { return {{"name", request.name}, {"source", request.source}}; }
json::value to_json(const PutLogin& request) {
  json::object out{{"username", request.username}, {"password", request.password}};
  if (!request.token_server.empty()) out["token_server"] = request.token_server;
  return out;
}
json::value to_json(const LoginRow& row) {
  json::object out{{"registry", row.registry}, {"username", row.username}};
  out["token_server"] = row.token_server.empty() ? json::value(nullptr) : json::value(row.token_server);
  return out;
}

Result<domain::Image> image_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  domain::Image image;
  image.name = reader.required_string("name");
  image.version = reader.integer("version", 1, std::numeric_limits<int64_t>::max()).value_or(0);
  image.source = reader.string("source").value_or("");
  const Result<domain::Digest> digest = domain::parse_digest(reader.required_string("sha256"));
  if (!digest) reader.add_error("sha256", digest.error().message);
  image.digest = digest.value_or(domain::Digest{});
  const Result<WallTime> added = parse_time(reader.required_string("added"));
  if (!added) reader.add_error("added", added.error().message);
  image.added = added.value_or(WallTime{});
  const json::value* facts = reader.find("facts");
  Result<domain::ImageFacts> read = domain::image_facts_from_json(facts != nullptr ? *facts : json::value(nullptr), "facts");
  if (!read) return fail(read.error());
  image.facts = std::move(*read);
  if (!reader.ok()) return fail(reader.error());
  return image;
}

Result<LoginRow> login_row_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  LoginRow row{.registry = reader.required_string("registry"),
               .username = reader.required_string("username"),
               .token_server = reader.string("token_server").value_or("")};
  if (!reader.ok()) return fail(reader.error());
  return row;
}

Result<AddImage> add_image_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  reader.refuse_unknown({"name", "source"});
  AddImage request{.name = reader.required_string("name"), .source = reader.required_string("source")};
  if (!domain::is_name(request.name))
    reader.add_error("name", "'" + request.name.substr(0, 64) + "' is no name for an image: " + std::string(domain::kNameRule));
  if (request.source.empty()) reader.add_error("source", "'source' is empty: give an absolute path or a reference such as HOST/NAME:TAG");
  if (request.source.find('\0') != std::string::npos) reader.add_error("source", "'source' has a NUL character");
  if (!reader.ok()) return fail(reader.error());
  return request;
}

Result<PutLogin> put_login_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  reader.refuse_unknown({"username", "password", "token_server"});
  PutLogin request{.username = reader.required_string("username"),
                   .password = reader.required_string("password"),
                   .token_server = reader.string("token_server").value_or("")};
  if (!reader.ok()) return fail(reader.error());
  return request;
}

}  // namespace ebb::wire
