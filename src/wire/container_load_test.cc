// The start of a function there and back, and what is refused of one.
#include "wire/container_load.h"

#include <gtest/gtest.h>

#include <functional>

#include "domain/limits.h"
#include "wire/worker.pb.h"

namespace ebb::wire {
namespace {

domain::FunctionStart whole() {
  return {.sandbox_id = "box-1-2",
          .root = "/images/a/root",
          .host_id_base = 100'000,
          .uid = 1000,
          .gid = 1001,
          .groups = {5, 6},
          .memory_bytes = 256ULL << 20U,
          .tmp_bytes = 64ULL << 20U,
          .pids_max = 100,
          .cpu_millis = 1500,
          .mounts = {{.source = "/models/a", .destination = "/opt/ml/model"}},
          .hostname = "resize",
          .egress = true,
          .argv = {"/bin/app", "--port", ""},
          .env = {"A=b", "EMPTY="},
          .cwd = "/srv",
          .contract = domain::Contract::kSageMaker,
          .name = "resize",
          .version = "7",
          .port = 8081,
          .concurrency = 3,
          .health_path = "/ping",
          .call_path = "/invocations",
          .forwards = true,
          .route_prefix = "v1",
          .routes = {{.function = "orders", .path = "orders/{id}", .methods = {"GET", "PUT"}, .input = "in", .output = "$return"}},
          .start_max = milliseconds(1500),
          .call_max = milliseconds(2500)};
}

TEST(ContainerLoad, ReadsBack) {
  const auto load = decode_container_load(encode_container_load(whole(), 3));
  ASSERT_TRUE(load) << load.error().message;
  EXPECT_EQ(load->start, whole());
  EXPECT_EQ(load->slots, 3);
}

TEST(ContainerLoad, RefusesWhatBreaksABound) {
  struct Row {
    const char* field;
    std::function<void(domain::FunctionStart&)> spoil;
  };
  const Row rows[] = {
      {"sandbox_id", [](auto& s) { s.sandbox_id = std::string(65, 'x'); }},
      {"root", [](auto& s) { s.root = "images"; }},
      {"root", [](auto& s) { s.root = std::string("/a\0b", 4); }},
      {"memory_bytes", [](auto& s) { s.memory_bytes = 0; }},
      {"pids_max", [](auto& s) { s.pids_max = 0; }},
      {"cpu_millis", [](auto& s) { s.cpu_millis = -1; }},
      {"groups", [](auto& s) { s.groups.resize(domain::kFunctionGroupsMax + 1); }},
      {"mounts", [](auto& s) { s.mounts[0].destination = "opt"; }},
      {"mounts", [](auto& s) { s.mounts.resize(domain::kFunctionMountsMax + 1); }},
      {"argv", [](auto& s) { s.argv.clear(); }},
      {"argv", [](auto& s) { s.argv[0] = ""; }},
      {"argv", [](auto& s) { s.argv[1] = std::string(1, '\0'); }},
      {"env", [](auto& s) { s.env[0] = "=b"; }},
      {"env", [](auto& s) { s.env[0] = "b"; }},
      {"env", [](auto& s) { s.env[0] = "A=" + std::string(domain::kFunctionProgramBytesMax, 'x'); }},
      {"cwd", [](auto& s) { s.cwd = "srv"; }},
      {"name", [](auto& s) { s.name = "a\nb"; }},
      {"version", [](auto& s) { s.version = ""; }},
      {"port", [](auto& s) { s.port = 0; }},
      {"concurrency", [](auto& s) { s.concurrency = domain::kSlotsPerWorkerMax + 1; }},
      {"concurrency", [](auto& s) { s.contract = domain::Contract::kLambda; }},
      {"health_path", [](auto& s) { s.health_path = "ping"; }},
      {"call_path", [](auto& s) { s.call_path = "/a b"; }},
      {"start_max", [](auto& s) { s.start_max = milliseconds(0); }},
      {"call_max", [](auto& s) { s.call_max = domain::kCallTimeMax + milliseconds(1); }},
  };
  for (const Row& row : rows) {
    domain::FunctionStart start = whole();
    row.spoil(start);
    const Status checked = check_function_start(start);
    ASSERT_FALSE(checked) << row.field;
    EXPECT_EQ(checked.error().param, row.field);
    const auto load = decode_container_load(encode_container_load(start, 1));
    ASSERT_FALSE(load) << row.field;
    EXPECT_EQ(load.error().kind, ErrorKind::kCorrupt);
  }
}

TEST(ContainerLoad, RefusesOtherBodies) {
  pb::Load model;
  model.set_model_name("smol");
  for (const std::string& body :
       {std::string("\xff"), std::string(), model.SerializeAsString(), encode_container_load(whole(), 4), encode_container_load(whole(), -1)})
    EXPECT_FALSE(decode_container_load(body));
  pb::Load load;
  ASSERT_TRUE(load.ParseFromString(encode_container_load(whole(), 1)));
  load.mutable_container()->set_contract(domain::kContracts);
  EXPECT_FALSE(decode_container_load(load.SerializeAsString()));
  load.mutable_container()->set_contract(0);
  load.mutable_container()->set_port(65536);
  EXPECT_FALSE(decode_container_load(load.SerializeAsString()));
}

}  // namespace
}  // namespace ebb::wire
