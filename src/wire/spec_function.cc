// Field by field.
#include "wire/spec_function.h"

#include <fmt/format.h>

#include <algorithm>

#include "domain/image_json.h"
#include "domain/limits.h"
#include "wire/model_facts_json.h"
#include "wire/quantity.h"
#include "wire/spec_fields.h"

namespace ebb::wire {

namespace {

using domain::FunctionSpec;

constexpr uint64_t kMib = 1ULL << 20U;
constexpr size_t kEnvBytesMax = 32 * 1024;
constexpr double kCpuMin = 0.01;
constexpr double kCpuMax = 1024;

void read_image(ObjectReader& reader, FunctionSpec& spec) {
  const auto text = reader.string("image");
  if (!text) return;
  Result<domain::ImageRef> ref = domain::parse_image_ref(*text);
  if (ref) {
    spec.image = std::move(*ref);
  } else {
    reader.add_error("image", ref.error().message);
  }
}

void read_contract(ObjectReader& reader, FunctionSpec& spec) {
  const auto word = reader.string("contract");
  if (!word || *word == "auto") return;
  spec.contract = domain::parse_contract(*word);
  if (!spec.contract)
    reader.add_error("contract", fmt::format("'contract' must be auto, lambda, cloudrun, sagemaker, azure or kserve, not '{}'", word->substr(0, 40)));
}

void read_command(ObjectReader& reader, FunctionSpec& spec) {
  const json::array* const words = reader.array("command");
  if (words == nullptr) return;
  size_t bytes = 0;
  for (const json::value& word : *words) {
    const bool good = word.is_string() && std::string_view(word.get_string()).find('\0') == std::string_view::npos;
    if (!good) return reader.add_error("command", "'command' must be a list of strings, such as [python3, app.py]");
    spec.command.emplace_back(word.get_string());
    bytes += spec.command.back().size();
  }
  if (spec.command.empty() || spec.command.front().empty()) reader.add_error("command", "'command' names no program");
  if (bytes > kEnvBytesMax) reader.add_error("command", fmt::format("'command' has more than {} bytes", kEnvBytesMax));
}

bool is_variable(std::string_view name) {
  const auto fits = [](char c) { return c != '=' && static_cast<unsigned char>(c) > 0x20 && c != 0x7f; };
  return !name.empty() && name.size() <= 256 && std::ranges::all_of(name, fits);
}

void read_env(ObjectReader& reader, FunctionSpec& spec) {
  const json::object* const object = reader.object("env");
  if (object == nullptr) return;
  size_t bytes = 0;
  for (const auto& [key, value] : *object) {
    const std::string name(key);
    if (!is_variable(name)) return reader.add_error("env", fmt::format("'{}' is no name for a variable", name.substr(0, 80)));
    if (!value.is_string()) return reader.add_error("env", fmt::format("'env.{}' must be a string: put it in quotes", name));
    spec.env[name] = std::string(value.get_string());
    if (spec.env[name].find('\0') != std::string::npos) return reader.add_error("env", fmt::format("'env.{}' has a NUL in it", name));
    bytes += name.size() + spec.env[name].size();
  }
  if (spec.env.size() > domain::kFunctionEnvMax || bytes > kEnvBytesMax)
    reader.add_error("env", fmt::format("'env' may have {} variables of {} bytes in all", domain::kFunctionEnvMax, kEnvBytesMax));
}

void read_mounts(ObjectReader& reader, FunctionSpec& spec) {
  const json::array* const mounts = reader.array("mounts");
  if (mounts == nullptr) return;
  if (mounts->size() > static_cast<size_t>(domain::kFunctionMountsMax))
    return reader.add_error("mounts", fmt::format("'mounts' may have {} entries", domain::kFunctionMountsMax));
  for (size_t i = 0; i < mounts->size(); ++i) {
    ObjectReader one((*mounts)[i], fmt::format("mounts[{}]", i));
    one.refuse_unknown({"model", "path"});
    Result<domain::ModelRef> model = domain::parse_model_ref(one.required_string("model"));
    domain::ModelMount mount{.model = {}, .path = one.required_string("path")};
    if (model) {
      mount.model = std::move(*model);
    } else if (one.ok()) {
      one.add_error("model", model.error().message);
    }
    if (one.ok() && !domain::is_inside_path(mount.path))
      one.add_error("path", fmt::format("'{}' must be an absolute path inside, such as /opt/ml/model", mount.path.substr(0, 80)));
    const auto taken = [&](const domain::ModelMount& other) { return other.path == mount.path; };
    if (one.ok() && std::ranges::any_of(spec.mounts, taken)) one.add_error("path", fmt::format("'{}' is mounted twice", mount.path));
    if (!one.ok()) return reader.adopt(one.error());
    spec.mounts.push_back(std::move(mount));
  }
}

void read_egress(ObjectReader& reader, FunctionSpec& spec) {
  const json::value* const egress = reader.find("egress");
  if (egress == nullptr) return;
  if (egress->is_bool()) {
    if (egress->get_bool()) spec.egress.emplace();
    return;
  }
  const json::array* const hosts = egress->if_array();
  if (hosts == nullptr || hosts->empty() || hosts->size() > domain::kEgressHostsMax)
    return reader.add_error("egress", fmt::format("'egress' must be true, or a list of 1 to {} hosts", domain::kEgressHostsMax));
  spec.egress.emplace();
  for (const json::value& one : *hosts) {
    Result<domain::EgressHost> host = domain::parse_egress_host(one.is_string() ? std::string_view(one.get_string()) : std::string_view());
    if (!host) return reader.add_error("egress", host.error().message);
    spec.egress->hosts.push_back(std::move(*host));
  }
}

json::value egress_of(const domain::Egress& egress) {
  if (egress.hosts.empty()) return true;
  json::array hosts;
  for (const domain::EgressHost& host : egress.hosts)
    hosts.emplace_back(domain::to_string(host));
  return hosts;
}

std::string read_path(ObjectReader& reader, std::string_view key) {
  const auto path = reader.string(key);
  if (!path) return {};
  const bool good = path->starts_with('/') && path->size() <= 1'000 && std::ranges::all_of(*path, [](char c) { return c > 0x20 && c != 0x7f; });
  if (!good) reader.add_error(key, fmt::format("'{}' must be a path that begins with '/'", key));
  return *path;
}

}  // namespace

const std::vector<std::string_view>& function_fields() {
  static const std::vector<std::string_view> kFields{"image",  "contract", "concurrency", "command", "env",   "mounts", "port",
                                                     "health", "path",     "tmp",         "cpu",     "start", "egress"};
  return kFields;
}

domain::FunctionSpec read_function(ObjectReader& reader) {
  FunctionSpec spec;
  read_image(reader, spec);
  read_contract(reader, spec);
  if (const auto calls = reader.integer("concurrency", 1, domain::kSlotsPerWorkerMax)) spec.concurrency = static_cast<int>(*calls);
  if (spec.contract == domain::Contract::kLambda && spec.concurrency.value_or(1) > 1)
    reader.add_error("concurrency", "'concurrency' must be 1 for the contract lambda: its runtime takes one call at a time");
  read_command(reader, spec);
  read_env(reader, spec);
  read_mounts(reader, spec);
  if (const auto port = reader.integer("port", 1, 65'535)) spec.port = static_cast<int>(*port);
  spec.health = read_path(reader, "health");
  spec.path = read_path(reader, "path");
  spec.tmp_mib = read_mib(reader, "tmp", domain::kFunctionTmpMibMax).value_or(spec.tmp_mib);
  spec.cpu = reader.number("cpu", kCpuMin, kCpuMax);
  spec.start = read_duration(reader, "start", milliseconds{1}, domain::kFunctionStartTimeMax);
  read_egress(reader, spec);
  return spec;
}

void write_function(const FunctionSpec& spec, json::object& out) {
  out["image"] = domain::to_string(spec.image);
  out["contract"] = spec.contract ? to_string(*spec.contract) : "auto";
  if (spec.concurrency) out["concurrency"] = *spec.concurrency;
  if (!spec.command.empty()) out["command"] = json::array(spec.command.begin(), spec.command.end());
  if (!spec.env.empty()) {
    json::object env;
    for (const auto& [name, value] : spec.env)
      env[name] = value;
    out["env"] = std::move(env);
  }
  if (!spec.mounts.empty()) {
    json::array mounts;
    for (const domain::ModelMount& mount : spec.mounts)
      mounts.push_back({{"model", domain::to_string(mount.model)}, {"path", mount.path}});
    out["mounts"] = std::move(mounts);
  }
  if (spec.port) out["port"] = *spec.port;
  if (!spec.health.empty()) out["health"] = spec.health;
  if (!spec.path.empty()) out["path"] = spec.path;
  out["tmp"] = format_size(static_cast<uint64_t>(spec.tmp_mib) * kMib);
  if (spec.cpu) out["cpu"] = *spec.cpu;
  if (spec.start) out["start"] = format_duration(*spec.start);
  if (spec.egress) out["egress"] = egress_of(*spec.egress);
}

namespace {

json::value azure_json(const domain::AzureApp& app) {
  json::array routes;
  for (const domain::AzureRoute& route : app.routes)
    routes.push_back({{"function", route.function},
                      {"path", route.path},
                      {"methods", json::array(route.methods.begin(), route.methods.end())},
                      {"input", route.input},
                      {"output", route.output}});
  return {{"argv", json::array(app.argv.begin(), app.argv.end())},
          {"cwd", app.cwd},
          {"forwards", app.forwards},
          {"prefix", app.prefix},
          {"routes", std::move(routes)}};
}

}  // namespace

std::string store_function(const StoredFunction& stored) {
  json::object spec;
  write_function(stored.spec, spec);
  const domain::Image& image = stored.function.image;
  json::array mounts;
  for (const auto& [model, path] : stored.function.mounts)
    mounts.push_back({{"name", model.name}, {"version", model.version}, {"digest", model.digest.hex()}, {"facts", to_json(model.facts)}, {"path", path}});
  const domain::FunctionUser& user = stored.function.user;
  json::object out{
      {"spec", std::move(spec)},
      {"image",
       {{"name", image.name}, {"version", image.version}, {"digest", image.digest.hex()}, {"facts", domain::to_json(image.facts)}, {"source", image.source}}},
      {"contract", to_string(stored.function.contract)},
      {"user", {{"uid", user.uid}, {"gid", user.gid}, {"groups", json::array(user.groups.begin(), user.groups.end())}}},
      {"mounts", std::move(mounts)}};
  if (stored.function.azure) out["azure"] = azure_json(*stored.function.azure);
  return json::serialize(out);
}

namespace {

std::vector<std::string> strings_in(ObjectReader& reader, std::string_view key) {
  std::vector<std::string> strings;
  const json::array* const array = reader.array(key);
  for (size_t i = 0; array != nullptr && i < array->size(); ++i) {
    const json::string* const text = (*array)[i].if_string();
    if (text != nullptr) strings.emplace_back(*text);
    if (text == nullptr) reader.add_error(key, "no string");
  }
  return strings;
}

domain::AzureApp azure_in(ObjectReader& reader) {
  domain::AzureApp app{.argv = strings_in(reader, "argv"), .cwd = reader.required_string("cwd")};
  if (app.argv.empty()) reader.add_error("argv", "no program");
  app.forwards = reader.boolean("forwards").value_or(false);
  app.prefix = reader.required_string("prefix");
  const json::array* const routes = reader.array("routes");
  for (size_t i = 0; routes != nullptr && i < routes->size(); ++i) {
    ObjectReader one((*routes)[i], fmt::format("routes[{}]", i));
    app.routes.push_back({.function = one.required_string("function"),
                          .path = one.required_string("path"),
                          .methods = strings_in(one, "methods"),
                          .input = one.required_string("input"),
                          .output = one.required_string("output")});
    if (!one.ok()) reader.adopt(one.error());
  }
  return app;
}

constexpr int64_t kIdMax = 65'535;

domain::Digest digest_in(ObjectReader& reader) {
  const Result<domain::Digest> digest = domain::parse_digest(reader.required_string("digest"));
  if (digest) return *digest;
  reader.add_error("digest", "no digest");
  return {};
}

domain::Image image_in(ObjectReader& reader) {
  domain::Image image{.name = reader.required_string("name")};
  image.version = reader.integer("version", 1, std::numeric_limits<int64_t>::max()).value_or(0);
  image.digest = digest_in(reader);
  image.source = reader.string("source").value_or("");
  if (const json::value* facts = reader.find("facts")) {
    Result<domain::ImageFacts> read = domain::image_facts_from_json(*facts, "image.facts");
    if (!read) reader.adopt(read.error());
    if (read) image.facts = std::move(*read);
  }
  return image;
}

domain::FunctionUser user_in(ObjectReader& reader) {
  domain::FunctionUser user;
  user.uid = static_cast<uint32_t>(reader.integer("uid", 0, kIdMax).value_or(0));
  user.gid = static_cast<uint32_t>(reader.integer("gid", 0, kIdMax).value_or(0));
  const json::array* const groups = reader.array("groups");
  for (size_t i = 0; groups != nullptr && i < groups->size(); ++i) {
    const int64_t* const group = (*groups)[i].if_int64();
    if (group != nullptr) user.groups.push_back(static_cast<uint32_t>(*group));
    if (group == nullptr) reader.add_error("groups", "no number");
  }
  return user;
}

// What is at `key`, as an object; an empty one, and an error, if it is not there.
template <class Read>
auto inside(ObjectReader& parent, std::string_view key, const Read& read) {
  const json::value* const value = parent.find(key);
  if (value == nullptr) parent.add_error(key, fmt::format("'{}' is missing", key));
  const json::value none = json::object();
  ObjectReader reader(value == nullptr ? none : *value, std::string(key));
  auto out = read(reader);
  if (value != nullptr && !reader.ok()) parent.adopt(reader.error());
  return out;
}

}  // namespace

Result<StoredFunction> read_stored_function(std::string_view text) {
  const Result<json::value> value = parse_json(text);
  if (!value) return fail(ErrorKind::kCorrupt, value.error().message);
  ObjectReader reader(*value, "");
  StoredFunction stored;
  stored.spec = inside(reader, "spec", read_function);
  stored.function.image = inside(reader, "image", image_in);
  stored.function.user = inside(reader, "user", user_in);
  if (reader.has("azure")) stored.function.azure = inside(reader, "azure", azure_in);
  const auto contract = domain::parse_contract(reader.required_string("contract"));
  if (contract) stored.function.contract = *contract;
  if (!contract) reader.add_error("contract", "no contract");
  const json::array* const mounts = reader.array("mounts");
  for (size_t i = 0; mounts != nullptr && i < mounts->size(); ++i) {
    ObjectReader one((*mounts)[i], fmt::format("mounts[{}]", i));
    domain::Model model{.name = one.required_string("name")};
    model.version = one.integer("version", 1, std::numeric_limits<int64_t>::max()).value_or(0);
    model.digest = digest_in(one);
    if (const json::value* facts = one.find("facts")) {
      Result<domain::ModelFacts> read = model_facts_from_json(*facts, one.path_of("facts"));
      if (read) model.facts = std::move(*read);
      if (!read) one.adopt(read.error());
    }
    stored.function.mounts.emplace_back(std::move(model), one.required_string("path"));
    if (!one.ok()) reader.adopt(one.error());
  }
  if (!reader.ok()) return fail(ErrorKind::kCorrupt, reader.error().message);
  return stored;
}

}  // namespace ebb::wire
