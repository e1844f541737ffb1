// The configuration as rows: what every container has, and what follows from the input.
#include "container/oci_config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

namespace ebb::container {
namespace {

OciInput input() {
  return {.root = "/stage/root",
          .args = {"/.ebb/init"},
          .uid = 1000,
          .gid = 1001,
          .groups = {44},
          .uids = {{.inside = 0, .outside = 300'000, .size = 65'536}},
          .gids = {{.inside = 0, .outside = 300'000, .size = 65'536}},
          .hostname = "fn",
          .binds = {{.source = "/stage/binds/0", .destination = "/opt/ml/model"}},
          .tmp_bytes = 1'000'000,
          .shared_memory_bytes = 500'000,
          .cgroup = "/ebb-1",
          .memory_bytes = 64'000'000,
          .pids_max = 20,
          .cpu_millis = 1500,
          .descriptors_max = 512};
}

const json::value* at(const json::value& config, std::string_view pointer) {
  boost::system::error_code none;
  return config.find_pointer(pointer, none);
}

TEST(OciConfig, HasWhatEveryContainerHas) {
  const json::value config = oci_config(input());
  const std::pair<const char*, json::value> rows[] = {
      {"/root", {{"path", "/stage/root"}, {"readonly", true}}},
      {"/hostname", "fn"},
      {"/process/args", json::array{"/.ebb/init"}},
      {"/process/env", json::array{}},
      {"/process/terminal", false},
      {"/process/noNewPrivileges", true},
      {"/process/user", {{"uid", 1000}, {"gid", 1001}, {"additionalGids", {44}}}},
      {"/process/capabilities/bounding", json::array{}},
      {"/process/capabilities/effective", json::array{}},
      {"/process/capabilities/permitted", json::array{}},
      {"/process/capabilities/inheritable", json::array{}},
      {"/process/capabilities/ambient", json::array{}},
      {"/linux/uidMappings", {{{"containerID", 0}, {"hostID", 300'000}, {"size", 65'536}}}},
      {"/linux/cgroupsPath", "/ebb-1"},
      {"/linux/resources/memory/limit", 64'000'000},
      {"/linux/resources/pids/limit", 20},
      {"/linux/resources/cpu", {{"quota", 150'000}, {"period", 100'000}}},
      {"/linux/seccomp/defaultAction", "SCMP_ACT_ERRNO"},
      {"/linux/seccomp/defaultErrnoRet", 38},
  };
  for (const auto& [pointer, expected] : rows) {
    const json::value* found = at(config, pointer);
    ASSERT_NE(found, nullptr) << pointer;
    EXPECT_EQ(json::serialize(*found), json::serialize(expected)) << pointer;
  }
  std::set<std::string> namespaces;
  for (const json::value& each : at(config, "/linux/namespaces")->as_array())
    namespaces.emplace(each.at("type").as_string().c_str());
  EXPECT_EQ(namespaces, (std::set<std::string>{"cgroup", "ipc", "mount", "network", "pid", "user", "uts"}));
}

TEST(OciConfig, MountsAreBoundedAndBindsReadOnly) {
  const json::value config = oci_config(input());
  std::set<std::string> places;
  for (const json::value& mount : at(config, "/mounts")->as_array()) {
    const std::string destination = mount.at("destination").as_string().c_str();
    places.insert(destination);
    std::set<std::string> options;
    for (const json::value& option : mount.at("options").as_array())
      options.emplace(option.as_string().c_str());
    EXPECT_TRUE(options.contains("nosuid")) << destination;
    EXPECT_TRUE(options.contains("nodev") || destination == "/dev") << destination;
    EXPECT_EQ(options.contains("ro"), mount.at("type").as_string() == "bind") << destination;
    if (destination == "/tmp") {
      EXPECT_TRUE(options.contains("size=1000000"));
    } else if (destination == "/dev/shm") {
      EXPECT_TRUE(options.contains("size=500000"));
    }
  }
  EXPECT_EQ(places, (std::set<std::string>{"/dev", "/dev/shm", "/opt/ml/model", "/proc", "/tmp"}));
}

TEST(OciConfig, CpuIsInMicrosecondsOfATenthOfASecond) {
  const std::pair<int, const char*> rows[] = {{1, "1000"}, {5, "1000"}, {10, "1000"}, {250, "25000"}, {1000, "100000"}, {64'000, "6400000"}};
  for (const auto& [millis, quota] : rows) {
    OciInput in = input();
    in.cpu_millis = millis;
    EXPECT_EQ(json::serialize(*at(oci_config(in), "/linux/resources/cpu/quota")), quota) << millis;
  }
  OciInput unlimited = input();
  unlimited.cpu_millis = 0;
  EXPECT_EQ(at(oci_config(unlimited), "/linux/resources/cpu"), nullptr);
}

TEST(OciConfig, WithoutACgroupThereAreNoLimitsOfIt) {
  OciInput in = input();
  in.cgroup.clear();
  const json::value config = oci_config(in);
  EXPECT_EQ(at(config, "/linux/resources"), nullptr);
  EXPECT_EQ(at(config, "/linux/cgroupsPath"), nullptr);
  const std::string limits = json::serialize(*at(config, "/process/rlimits"));
  EXPECT_NE(limits.find(R"({"type":"RLIMIT_NOFILE","hard":512,"soft":512})"), std::string::npos) << limits;
}

// Names of two rules would make the runtime's filter depend on their order.
TEST(OciSeccomp, NamesACallWithoutConditionsOnceOnly) {
  std::set<std::string> plain;
  std::set<std::string> conditional;
  const json::object seccomp = oci_seccomp();
  for (const json::value& rule : seccomp.at("syscalls").as_array()) {
    for (const json::value& name : rule.at("names").as_array()) {
      const std::string text = name.as_string().c_str();
      if (rule.as_object().contains("args"))
        conditional.insert(text);
      else
        EXPECT_TRUE(plain.insert(text).second) << text;
    }
  }
  for (const std::string& name : conditional)
    EXPECT_FALSE(plain.contains(name)) << name;
  for (const char* name : {"ptrace", "mount", "bpf", "keyctl", "io_uring_setup", "userfaultfd", "unshare", "setns", "perf_event_open", "clone3"})
    EXPECT_TRUE(plain.contains(name)) << name;
}

}  // namespace
}  // namespace ebb::container
