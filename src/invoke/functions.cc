// Names become digests, users and paths.
#include "invoke/functions.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "container/image_user.h"
#include "invoke/azure_app.h"

namespace ebb::invoke {

namespace {

// Each endpoint's instances run as other users of the machine: ranges of 65536 ids above those that anybody has, by the revision's number.
constexpr uint32_t kIdsOfFirst = 0x4000'0000;
constexpr uint32_t kIdsOfEach = 0x1'0000;
constexpr uint64_t kRanges = 0x7000;

uint32_t host_ids_of(const domain::Revision& revision) { return kIdsOfFirst + static_cast<uint32_t>(revision.id.value % kRanges) * kIdsOfEach; }

domain::Contract contract_of(const domain::ImageConfig& config) {
  return domain::detect_contract({.entrypoint = config.entrypoint, .cmd = config.cmd, .env = config.env, .labels = config.labels});
}

// A stored file's path: files of the store are opened, never named, but a mount wants a name.
Result<std::string> path_of(const Fd& file) {
  std::array<char, 4096> path{};
  const ssize_t length = ::readlink(fmt::format("/proc/self/fd/{}", file.get()).c_str(), path.data(), path.size());
  if (length <= 0 || static_cast<size_t>(length) == path.size()) return fail(ErrorKind::kIo, "a stored model has no path that can be mounted");
  return std::string(path.data(), static_cast<size_t>(length));
}

// The image's, with the owner's on top.
std::vector<std::string> environment(const domain::ImageConfig& config, const std::map<std::string, std::string>& own) {
  std::vector<std::string> env;
  for (const std::string& variable : config.env) {
    if (!own.contains(variable.substr(0, variable.find('=')))) env.push_back(variable);
  }
  for (const auto& [name, value] : own)
    env.push_back(fmt::format("{}={}", name, value));
  return env;
}

std::string azure_folder(const domain::ImageConfig& config, const std::map<std::string, std::string>& own) {
  constexpr std::string_view kVariable = "AzureWebJobsScriptRoot=";
  std::string folder;
  for (const std::string& variable : environment(config, own))
    if (variable.starts_with(kVariable)) folder = variable.substr(kVariable.size());
  while (folder.ends_with('/'))
    folder.pop_back();
  return folder.starts_with('/') ? folder : kAzureAppFolder;
}

// What the app's host.json says goes before what the image runs, which is Azure's own host, and behind what the owner says.
void apply(const domain::AzureApp& app, domain::FunctionStart& start) {
  start.argv = app.argv;
  start.cwd = app.cwd;
  start.forwards = app.forwards;
  start.route_prefix = app.prefix;
  start.routes = app.routes;
}

}  // namespace

Result<domain::Function> Functions::resolve(const domain::FunctionSpec& spec) const {
  Result<domain::Image> image = images_.resolve(spec.image);
  if (!image) return fail(image.error());
  const Result<std::string> root = images_.root_path(image->digest);
  if (!root) return fail(root.error());
  const Result<container::ImageUser> user = container::find_user(*root, image->facts.config.user);
  if (!user) return fail(user.error().with_context(fmt::format("the user of image '{}'", image->name)));
  domain::Function function{.image = std::move(*image)};
  function.contract = spec.contract.value_or(contract_of(function.image.facts.config));
  if (function.contract == domain::Contract::kAzure) {
    Result<std::optional<domain::AzureApp>> app = find_azure_app(*root, azure_folder(function.image.facts.config, spec.env));
    if (!app) return fail(app.error().with_context(fmt::format("the app in image '{}'", function.image.name)));
    function.azure = std::move(*app);
  }
  const domain::ImageConfig& config = function.image.facts.config;
  if (spec.command.empty() && !function.azure && domain::function_argv(function.contract, config.entrypoint, config.cmd).empty())
    return fail(ErrorKind::kInvalid, fmt::format("image '{}' has no entrypoint and no command: say what to run with 'command'", function.image.name),
                "command");
  function.user = {.uid = user->uid, .gid = user->gid, .groups = user->groups};
  for (const domain::ModelMount& mount : spec.mounts) {
    Result<domain::Model> model = models_.resolve(mount.model);
    if (!model) return fail(ErrorKind::kNotFound, model.error().message, "mounts");
    function.mounts.emplace_back(std::move(*model), mount.path);
  }
  return function;
}

Result<domain::FunctionStart> Functions::start_of(const domain::Revision& revision) const {
  const domain::FunctionSpec& spec = *revision.spec.function;
  const domain::Function& function = *revision.function;
  const domain::ImageConfig& config = function.image.facts.config;
  const domain::ContractDefaults defaults = domain::contract_defaults(function.contract);
  Result<std::string> root = images_.root_path(function.image.digest);
  if (!root) return fail(root.error());
  domain::FunctionStart start{.root = std::move(*root), .host_id_base = host_ids_of(revision), .uid = function.user.uid, .gid = function.user.gid};
  start.groups = function.user.groups;
  start.memory_bytes = static_cast<uint64_t>(revision.memory_mib) << 20U;
  start.tmp_bytes = static_cast<uint64_t>(spec.tmp_mib) << 20U;
  start.pids_max = domain::kFunctionPids;
  start.cpu_millis = spec.cpu ? std::max(1, static_cast<int>(std::lround(*spec.cpu * 1000))) : 0;
  for (const auto& [model, path] : function.mounts) {
    const Result<Fd> file = models_.open(model.digest);
    if (!file) return fail(file.error());
    Result<std::string> source = path_of(*file);
    if (!source) return fail(source.error());
    start.mounts.push_back({.source = std::move(*source), .destination = path});
  }
  start.hostname = revision.spec.name;
  start.egress = spec.egress.has_value();
  start.argv = domain::function_argv(function.contract, config.entrypoint, config.cmd);
  start.env = environment(config, spec.env);
  start.cwd = config.workdir;
  if (function.azure) apply(*function.azure, start);
  if (!spec.command.empty()) start.argv = spec.command;
  start.contract = function.contract;
  start.name = revision.spec.name;
  start.version = std::to_string(revision.id.value);
  start.port = static_cast<uint16_t>(spec.port.value_or(defaults.port));
  start.concurrency = revision.calls_per_instance;
  start.health_path = spec.health;
  start.call_path = spec.path.empty() ? std::string(defaults.call_path) : spec.path;
  start.start_max = spec.start.value_or(defaults.start_max);
  start.call_max = revision.spec.limits.time;
  return start;
}

}  // namespace ebb::invoke
