// protobuf to domain values and back.
#include "wire/container_load.h"

#include <fmt/format.h>

#include <algorithm>

#include "domain/limits.h"
#include "wire/worker.pb.h"

namespace ebb::wire {

namespace {

constexpr size_t kPathBytesMax = 4096;

std::unexpected<Error> corrupt(std::string what) { return fail(ErrorKind::kCorrupt, std::move(what)); }
std::unexpected<Error> wrong(const char* field, const char* rule) {
  return fail(ErrorKind::kInvalid, fmt::format("the start of a function has a wrong '{}': {}", field, rule), field);
}

bool has_zero(std::string_view text) { return text.find('\0') != std::string_view::npos; }
bool is_absolute(std::string_view path) { return path.starts_with('/') && path.size() <= kPathBytesMax && !has_zero(path); }
// A path of a request, without a query.
bool is_route(std::string_view path) {
  return path.starts_with('/') && path.size() <= kPathBytesMax &&
         std::ranges::all_of(path, [](char c) { return c > 0x20 && c != 0x7f && c != '?' && c != '#'; });
}

Status check_program(const domain::FunctionStart& start) {
  size_t bytes = 0;
  for (const std::string& word : start.argv) {
    bytes += word.size() + 1;
    if (has_zero(word)) return wrong("argv", "a word has a zero byte");
  }
  for (const std::string& variable : start.env) {
    bytes += variable.size() + 1;
    const size_t equals = variable.find('=');
    if (equals == 0 || equals == std::string::npos || has_zero(variable)) return wrong("env", "a variable is NAME=value, without zero bytes");
  }
  const auto few = [](const std::vector<std::string>& strings) { return strings.size() <= domain::kFunctionStringsMax; };
  if (start.argv.empty() || start.argv.front().empty() || !few(start.argv)) return wrong("argv", "it names no program, or has too many words");
  if (!few(start.env) || bytes > domain::kFunctionProgramBytesMax)
    return wrong("env", "arguments and environment are longer together than a program can be started with (96 KiB)");
  if (!start.cwd.empty() && !is_absolute(start.cwd)) return wrong("cwd", "it must be absolute");
  return {};
}

Status check_sandbox(const domain::FunctionStart& start) {
  if (start.sandbox_id.size() > 64 || has_zero(start.sandbox_id)) return wrong("sandbox_id", "at most 64 characters");
  if (!is_absolute(start.root)) return wrong("root", "it must be absolute");
  if (start.hostname.size() > 64 || has_zero(start.hostname)) return wrong("hostname", "64 characters at most");
  if (start.groups.size() > domain::kFunctionGroupsMax) return wrong("groups", "too many");
  if (start.memory_bytes == 0 || start.memory_bytes > (static_cast<uint64_t>(domain::kMemoryMibMax) << 20U)) return wrong("memory_bytes", "out of range");
  if (start.tmp_bytes > (static_cast<uint64_t>(domain::kMemoryMibMax) << 20U)) return wrong("tmp_bytes", "out of range");
  if (start.pids_max < 1 || start.pids_max > domain::kFunctionPidsMax) return wrong("pids_max", "out of range");
  if (start.cpu_millis < 0 || start.cpu_millis > 1'024'000) return wrong("cpu_millis", "out of range");
  if (start.mounts.size() > domain::kFunctionMountsMax) return wrong("mounts", "too many");
  for (const domain::FunctionMount& mount : start.mounts)
    if (!is_absolute(mount.source) || !is_absolute(mount.destination)) return wrong("mounts", "both paths must be absolute");
  return {};
}

Status check_contract(const domain::FunctionStart& start) {
  const auto plain = [](std::string_view text) {
    return !text.empty() && text.size() <= 128 && std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
  };
  if (!plain(start.name)) return wrong("name", "1 to 128 visible characters");
  if (!plain(start.version)) return wrong("version", "1 to 128 visible characters");
  if (start.port == 0) return wrong("port", "1 to 65535");
  if (start.concurrency < 1 || start.concurrency > domain::kSlotsPerWorkerMax) return wrong("concurrency", "out of range");
  if (start.contract == domain::Contract::kLambda && start.concurrency != 1) return wrong("concurrency", "a Lambda function takes one call at a time");
  if (!start.health_path.empty() && !is_route(start.health_path)) return wrong("health_path", "a path that begins with '/'");
  if (!start.call_path.empty() && !is_route(start.call_path)) return wrong("call_path", "a path that begins with '/'");
  if (start.routes.size() > domain::kAzureFunctionsMax) return wrong("routes", "too many");
  if (start.start_max <= milliseconds(0) || start.start_max > domain::kFunctionStartTimeMax) return wrong("start_max", "out of range");
  if (start.call_max <= milliseconds(0) || start.call_max > domain::kCallTimeMax) return wrong("call_max", "out of range");
  return {};
}

template <class Strings>
std::vector<std::string> take(Strings* strings) {
  return {std::make_move_iterator(strings->begin()), std::make_move_iterator(strings->end())};
}

}  // namespace

Status check_function_start(const domain::FunctionStart& start) {
  for (const auto check : {check_sandbox, check_program, check_contract})
    if (Status fine = check(start); !fine) return fine;
  return {};
}

std::string encode_container_load(const domain::FunctionStart& start, int slots) {
  pb::Load load;
  load.set_model_name(start.name);
  load.set_slots(slots);
  pb::Container& out = *load.mutable_container();
  out.set_sandbox_id(start.sandbox_id);
  out.set_root(start.root);
  out.set_host_id_base(start.host_id_base);
  out.set_uid(start.uid);
  out.set_gid(start.gid);
  out.mutable_groups()->Add(start.groups.begin(), start.groups.end());
  out.set_memory_bytes(start.memory_bytes);
  out.set_tmp_bytes(start.tmp_bytes);
  out.set_pids_max(start.pids_max);
  out.set_cpu_millis(start.cpu_millis);
  for (const domain::FunctionMount& mount : start.mounts) {
    pb::Container::Mount* to = out.add_mounts();
    to->set_source(mount.source);
    to->set_destination(mount.destination);
  }
  out.set_hostname(start.hostname);
  for (const std::string& word : start.argv)
    out.add_argv(word);
  for (const std::string& variable : start.env)
    out.add_env(variable);
  out.set_cwd(start.cwd);
  out.set_contract(static_cast<int>(start.contract));
  out.set_name(start.name);
  out.set_version(start.version);
  out.set_port(start.port);
  out.set_concurrency(start.concurrency);
  out.set_health_path(start.health_path);
  out.set_call_path(start.call_path);
  out.set_forwards(start.forwards);
  out.set_route_prefix(start.route_prefix);
  for (const domain::AzureRoute& route : start.routes) {
    pb::Container::AzureRoute* to = out.add_routes();
    to->set_function(route.function);
    to->set_path(route.path);
    for (const std::string& method : route.methods)
      to->add_methods(method);
    to->set_input(route.input);
    to->set_output(route.output);
  }
  out.set_start_ms(start.start_max.count());
  out.set_call_ms(start.call_max.count());
  out.set_egress(start.egress);
  return load.SerializeAsString();
}

Result<ContainerLoad> decode_container_load(std::string_view body) {
  pb::Load load;
  if (!load.ParseFromArray(body.data(), static_cast<int>(body.size()))) return corrupt("a Load body that does not parse");
  if (!load.has_container()) return corrupt("a Load that is no container's");
  pb::Container& in = *load.mutable_container();
  if (in.contract() < 0 || in.contract() >= domain::kContracts) return corrupt("a Load with an unknown contract");
  if (in.port() < 0 || in.port() > 0xffff) return corrupt("a Load with a port out of range");
  ContainerLoad out{.start = {.sandbox_id = std::move(*in.mutable_sandbox_id()),
                              .root = std::move(*in.mutable_root()),
                              .host_id_base = in.host_id_base(),
                              .uid = in.uid(),
                              .gid = in.gid(),
                              .groups = {in.groups().begin(), in.groups().end()},
                              .memory_bytes = in.memory_bytes(),
                              .tmp_bytes = in.tmp_bytes(),
                              .pids_max = in.pids_max(),
                              .cpu_millis = in.cpu_millis(),
                              .mounts = {},
                              .hostname = std::move(*in.mutable_hostname()),
                              .egress = in.egress(),
                              .argv = take(in.mutable_argv()),
                              .env = take(in.mutable_env()),
                              .cwd = std::move(*in.mutable_cwd()),
                              .contract = static_cast<domain::Contract>(in.contract()),
                              .name = std::move(*in.mutable_name()),
                              .version = std::move(*in.mutable_version()),
                              .port = static_cast<uint16_t>(in.port()),
                              .concurrency = in.concurrency(),
                              .health_path = std::move(*in.mutable_health_path()),
                              .call_path = std::move(*in.mutable_call_path()),
                              .forwards = in.forwards(),
                              .route_prefix = std::move(*in.mutable_route_prefix()),
                              .routes = {},
                              .start_max = milliseconds(in.start_ms()),
                              .call_max = milliseconds(in.call_ms())},
                    .slots = load.slots()};
  for (pb::Container::Mount& mount : *in.mutable_mounts())
    out.start.mounts.push_back({.source = std::move(*mount.mutable_source()), .destination = std::move(*mount.mutable_destination())});
  for (pb::Container::AzureRoute& route : *in.mutable_routes())
    out.start.routes.push_back({.function = std::move(*route.mutable_function()),
                                .path = std::move(*route.mutable_path()),
                                .methods = take(route.mutable_methods()),
                                .input = std::move(*route.mutable_input()),
                                .output = std::move(*route.mutable_output())});
  if (const Status fine = check_function_start(out.start); !fine) return corrupt("a Load: " + fine.error().message);
  if (out.slots < 0 || out.slots > out.start.concurrency) return corrupt("a Load with more slots than calls at once");
  return out;
}

}  // namespace ebb::wire
