// What every function container gets, and the few things that differ from one to the next.
#include "container/oci_config.h"

#include <fmt/format.h>

namespace ebb::container {

namespace {

constexpr int kCpuPeriodMicroseconds = 100'000;
constexpr int kCpuQuotaMinMicroseconds = 1'000;
// Of the kernel's scale to 1000: before anything of the machine's own. ebb-init sets the function itself to 1000.
constexpr int kOomScore = 600;

json::object mount(std::string_view destination, std::string_view type, std::string_view source, json::array options) {
  return {{"destination", destination}, {"type", type}, {"source", source}, {"options", std::move(options)}};
}

json::array mounts(const OciInput& input) {
  json::array all;
  all.push_back(mount("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}));
  all.push_back(mount("/dev", "tmpfs", "tmpfs", {"nosuid", "noexec", "mode=755", "size=64k"}));
  all.push_back(mount("/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", fmt::format("size={}", input.shared_memory_bytes)}));
  all.push_back(mount("/tmp", "tmpfs", "tmp", {"nosuid", "nodev", "mode=1777", fmt::format("size={}", input.tmp_bytes)}));
  for (const OciInput::Bind& bind : input.binds)
    all.push_back(mount(bind.destination, "bind", bind.source, {"bind", "ro", "nosuid", "nodev"}));
  return all;
}

json::array id_mappings(const std::vector<IdRange>& ranges) {
  json::array all;
  for (const IdRange& range : ranges)
    all.push_back(json::object{{"containerID", range.inside}, {"hostID", range.outside}, {"size", range.size}});
  return all;
}

json::object rlimit(std::string_view type, uint64_t value) { return {{"type", type}, {"hard", value}, {"soft", value}}; }

json::array rlimits(const OciInput& input) {
  // One byte and not none: a program that receives cores through a pipe is only held off by this value (core(5)).
  json::array all{rlimit("RLIMIT_CORE", 1), rlimit("RLIMIT_NOFILE", input.descriptors_max), rlimit("RLIMIT_MEMLOCK", uint64_t{64} << 10U),
                  rlimit("RLIMIT_MSGQUEUE", 0)};
  return all;
}

json::object process(const OciInput& input) {
  json::array groups;
  for (const uint32_t group : input.groups)
    groups.push_back(group);
  json::object user{{"uid", input.uid}, {"gid", input.gid}};
  if (!groups.empty()) user["additionalGids"] = std::move(groups);
  json::array args;
  for (const std::string& each : input.args)
    args.push_back(json::string(each));
  json::object none;
  for (const char* set : {"bounding", "effective", "permitted", "inheritable", "ambient"})
    none[set] = json::array();
  return {{"terminal", false},
          {"user", std::move(user)},
          {"args", std::move(args)},
          {"env", json::array()},
          {"cwd", "/"},
          {"capabilities", std::move(none)},
          {"noNewPrivileges", true},
          {"oomScoreAdj", kOomScore},
          {"rlimits", rlimits(input)}};
}

json::object resources(const OciInput& input) {
  json::object all{{"devices", {json::object{{"allow", false}, {"access", "rwm"}}}}};
  if (input.memory_bytes > 0) all["memory"] = {{"limit", input.memory_bytes}};
  if (input.pids_max > 0) all["pids"] = {{"limit", input.pids_max}};
  if (input.cpu_millis > 0) {
    const int quota = input.cpu_millis * (kCpuPeriodMicroseconds / 1000);
    all["cpu"] = {{"quota", std::max(quota, kCpuQuotaMinMicroseconds)}, {"period", kCpuPeriodMicroseconds}};
  }
  return all;
}

json::object linux_part(const OciInput& input) {
  json::array namespaces;
  for (const char* type : {"pid", "mount", "ipc", "uts", "network", "user", "cgroup"})
    namespaces.push_back(json::object{{"type", type}});
  json::object all{{"namespaces", std::move(namespaces)},
                   {"uidMappings", id_mappings(input.uids)},
                   {"gidMappings", id_mappings(input.gids)},
                   {"maskedPaths",
                    {"/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kallsyms", "/proc/kcore", "/proc/keys", "/proc/key-users", "/proc/latency_stats",
                     "/proc/modules", "/proc/sched_debug", "/proc/scsi", "/proc/slabinfo", "/proc/timer_list", "/proc/timer_stats", "/proc/vmallocinfo"}},
                   {"readonlyPaths", {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}},
                   // Images that listen on port 80 expect to: a container engine's default. The network is the container's own.
                   {"sysctl", {{"net.ipv4.ip_unprivileged_port_start", "0"}}},
                   {"seccomp", oci_seccomp()}};
  if (!input.cgroup.empty()) {
    all["cgroupsPath"] = input.cgroup;
    all["resources"] = resources(input);
  }
  return all;
}

}  // namespace

json::object oci_config(const OciInput& input) {
  return {{"ociVersion", "1.0.2"},      {"process", process(input)}, {"root", {{"path", input.root}, {"readonly", true}}},
          {"hostname", input.hostname}, {"mounts", mounts(input)},   {"linux", linux_part(input)}};
}

}  // namespace ebb::container
