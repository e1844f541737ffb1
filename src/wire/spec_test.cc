// Specifications in YAML and JSON: round trips, and what is refused with which words.
#include "wire/spec.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "domain/limits.h"

namespace ebb::wire {
namespace {

Result<domain::EndpointSpec> from_yaml(std::string_view yaml) {
  const auto value = yaml_to_json(yaml);
  if (!value) return fail(value.error());
  return parse_spec(*value);
}

TEST(Spec, DefaultsOfTheSmallest) {
  const auto spec = from_yaml("endpoint: chat\nmodel: smol\n");
  ASSERT_TRUE(spec) << spec.error().message;
  domain::EndpointSpec want;
  want.name = "chat";
  want.model = domain::ModelRef{"smol", std::nullopt};
  EXPECT_EQ(*spec, want);
}

TEST(Spec, EveryField) {
  const auto spec = from_yaml(R"(
endpoint: chat
engine: llama
model: smol@3              # a comment
memory: 512MiB
context: 2048
scaling: {min: 1, max: 8, idle: 1m30s, keep: 2h}
limits: {queue: 20, wait: 500ms, time: 2m}
)");
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->model, (domain::ModelRef{"smol", 3}));
  EXPECT_EQ(spec->memory_mib, 512);
  EXPECT_EQ(spec->context_tokens, 2048);
  EXPECT_EQ(spec->scaling, (domain::Scaling{.min = 1, .max = 8, .idle = milliseconds(90'000), .keep = milliseconds(7'200'000)}));
  EXPECT_EQ(spec->limits, (domain::CallLimits{.queue = 20, .wait = milliseconds(500), .time = milliseconds(120'000)}));
  const auto again = parse_spec(spec_to_json(*spec));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, *spec);
}

TEST(Spec, WrittenForm) {
  domain::EndpointSpec spec;
  spec.name = "e";
  spec.engine = domain::Engine::kEcho;
  EXPECT_EQ(json::serialize(spec_to_json(spec)), R"({"endpoint":"e","engine":"echo","scaling":{"min":0,"max":16,"idle":"auto","keep":"auto"},)"
                                                 R"("priority":"normal","limits":{"queue":200,"wait":"30s","time":"2m"}})");
  EXPECT_EQ(*parse_spec(spec_to_json(spec)), spec);
}

TEST(Spec, AutoIdleAndNullsAreAbsent) {
  const auto spec = from_yaml("{endpoint: c, model: m, memory: null, context: ~, scaling: {idle: auto, min: null}, limits: }");
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->scaling, domain::Scaling{});
  EXPECT_EQ(spec->limits, domain::CallLimits{});
}

struct Refusal {
  std::string_view yaml;
  std::string_view param;
  std::string_view part;  // of the message
};

TEST(Spec, Refusals) {
  const Refusal rows[] = {
      {"", "", "must be an object, such as {endpoint: chat"},
      {"[1]", "", "must be an object"},
      {"hello", "", "must be an object"},
      {"model: smol", "endpoint", "'endpoint' is required"},
      {"endpoint: chat", "model", "'model' is required"},
      {"{endpoint: Chat, model: m}", "endpoint", "'Chat' is no name"},
      {"{endpoint: ../x, model: m}", "endpoint", "is no name"},
      {"{endpoint: 7, model: m}", "endpoint", "must be a string"},
      {"{endpoint: c, model: m@0}", "model", ""},
      {"{endpoint: c, model: ./m.gguf}", "model", ""},
      {"{endpoint: c, model: m, engine: vllm}", "engine", "llama, onnx or echo"},
      {"{endpoint: c, modle: m}", "modle", "did you mean 'model'?"},
      {"{endpoint: c, model: m, picture: x}", "picture", "'picture' is not a known field: known here: endpoint, model"},
      {"{endpoint: c, model: m, priority: urgent}", "priority", "'priority' is 'urgent', but must be critical, normal or batch"},
      {"{endpoint: c, model: m, priority: 1}", "priority", "'priority'"},
      {"{endpoint: c, model: m, scaling: {target: 0.05}}", "scaling.target", "'scaling.target'"},
      {"{endpoint: c, model: m, scaling: {target: 1.5}}", "scaling.target", "'scaling.target'"},
      {"{endpoint: c, model: m, scaling: {mx: 2}}", "scaling.mx", "did you mean 'scaling.max'?"},
      {"{endpoint: c, model: m, scaling: 3}", "scaling", "must be an object"},
      {"{endpoint: c, model: m, scaling: {min: 3, max: 2}}", "scaling.min", "more than 'scaling.max'"},
      {"{endpoint: c, model: m, scaling: {min: -1}}", "scaling.min", "between 0 and 1024"},
      {"{endpoint: c, model: m, scaling: {max: 0}}", "scaling.max", "between 1 and 1024"},
      {"{endpoint: c, model: m, scaling: {max: 1025}}", "scaling.max", "between 1 and 1024"},
      {"{endpoint: c, model: m, scaling: {max: 1.5}}", "scaling.max", "whole number"},
      {"{endpoint: c, model: m, scaling: {max: '2'}}", "scaling.max", "whole number"},
      {"{endpoint: c, model: m, scaling: {idle: 30}}", "scaling.idle", "write 30s, not 30"},
      {"{endpoint: c, model: m, scaling: {idle: soon}}", "scaling.idle", "'scaling.idle': 'soon' is no duration"},
      {"{endpoint: c, model: m, scaling: {keep: 31d}}", "scaling.keep", "between 0s and 30d, not 31d"},
      {"{endpoint: c, model: m, limits: {queue: 10001}}", "limits.queue", "between 0 and 10000"},
      {"{endpoint: c, model: m, limits: {wait: 2h}}", "limits.wait", "between 0s and 1h"},
      {"{endpoint: c, model: m, limits: {time: 0s}}", "limits.time", "between 1ms and 1d"},
      {"{endpoint: c, model: m, limits: {tmie: 1s}}", "limits.tmie", "did you mean 'limits.time'?"},
      {"{endpoint: c, model: m, memory: 512}", "memory", "write 512MiB, not 512"},
      {"{endpoint: c, model: m, memory: 512MB}", "memory", "is no size"},
      {"{endpoint: c, model: m, memory: 1KiB}", "memory", "whole MiB"},
      {"{endpoint: c, model: m, memory: 0B}", "memory", "whole MiB"},
      {"{endpoint: c, model: m, memory: 5TiB}", "memory", "between 1MiB and 4TiB"},
      {"{endpoint: c, model: m, context: 0}", "context", "between 1 and 1048576"},
      {"{endpoint: c, model: m, context: 1048577}", "context", "between 1 and 1048576"},
      {"{endpoint: c, model: m, context: 99999999999999999999}", "context", "'context' must be"},
  };
  for (const Refusal& row : rows) {
    const auto spec = from_yaml(row.yaml);
    ASSERT_FALSE(spec) << row.yaml;
    EXPECT_EQ(spec.error().kind, ErrorKind::kInvalid) << row.yaml;
    EXPECT_EQ(spec.error().param, row.param) << row.yaml;
    EXPECT_NE(spec.error().message.find(row.part), std::string::npos) << row.yaml << " → " << spec.error().message;
  }
}

TEST(Spec, WhatIsProvisioned) {
  const auto spec = from_yaml(R"(
endpoint: chat
model: smol
scaling:
  max: 4
  provisioned: 1
  schedule:
    - {cron: "0 8 * * 1-5", zone: Europe/Berlin, provisioned: 4}
    - {cron: "@weekly", provisioned: 0}
)");
  ASSERT_TRUE(spec) << spec.error().message;
  domain::Scaling want{.max = 4, .provisioned = 1};
  want.schedule.push_back({.cron = *domain::Cron::parse("0 8 * * 1-5", "Europe/Berlin"), .provisioned = 4});
  want.schedule.push_back({.cron = *domain::Cron::parse("@weekly", "UTC"), .provisioned = 0});
  EXPECT_EQ(spec->scaling, want);
  const json::value written = spec_to_json(*spec);
  EXPECT_EQ(json::serialize(written.at("scaling")), R"({"min":0,"max":4,"idle":"auto","keep":"auto","provisioned":1,)"
                                                    R"("schedule":[{"cron":"0 8 * * 1-5","zone":"Europe/Berlin","provisioned":4},)"
                                                    R"({"cron":"@weekly","zone":"UTC","provisioned":0}]})");
  const auto again = parse_spec(written);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, *spec);
  EXPECT_EQ(from_yaml("{endpoint: c, model: m, scaling: {provisioned: 0, schedule: []}}")->scaling, domain::Scaling{});
}

TEST(Spec, RefusalsOfWhatIsProvisioned) {
  const Refusal rows[] = {
      {"provisioned: -1", "scaling.provisioned", "between 0 and 1024"},
      {"provisioned: 1.5", "scaling.provisioned", "whole number"},
      {"provisioned: 17", "scaling.provisioned", "'scaling.provisioned' is 17, more than 'scaling.max', which is 16"},
      {"provisoned: 1", "scaling.provisoned", "did you mean 'scaling.provisioned'?"},
      {"schedule: 3", "scaling.schedule", "must be an array"},
      {"schedule: [8]", "scaling.schedule[0]", "must be an object"},
      {"schedule: [{provisioned: 2}]", "scaling.schedule[0].cron", "'scaling.schedule[0].cron' is required"},
      {"schedule: [{cron: '@daily'}]", "scaling.schedule[0].provisioned", "'scaling.schedule[0].provisioned' is required"},
      {"schedule: [{cron: '@daily', provisioned: 17}]", "scaling.schedule[0].provisioned", "17, more than 'scaling.max', which is 16"},
      {"schedule: [{cron: '@daily', provisioned: -1}]", "scaling.schedule[0].provisioned", "between 0 and 1024"},
      {"schedule: [{cron: '@daily', provisioned: 1}, {corn: '@daily', provisioned: 1}]", "scaling.schedule[1].corn",
       "did you mean 'scaling.schedule[1].cron'?"},
      {"schedule: [{cron: '@daily', provisioned: 1}, {cron: '0 25 * * *', provisioned: 1}]", "scaling.schedule[1].cron",
       "'scaling.schedule[1].cron': column 3: hour: the number 25 is out of range"},
      {"schedule: [{cron: '0 0 30 2 *', provisioned: 1}]", "scaling.schedule[0].cron", "never fires"},
      {"schedule: [{cron: '@daily', zone: Berlin, provisioned: 1}]", "scaling.schedule[0].zone", "'scaling.schedule[0].zone': 'Berlin' is no time zone"},
      {"schedule: [{cron: '0 8 * * 1-5', provisioned: 2}, {cron: '0 18 * * *', provisioned: 0}, {cron: '0 8 1 * *', provisioned: 4}]", "scaling.schedule[2]",
       R"('scaling.schedule[0]' ("0 8 * * 1-5", provisioned: 2) and 'scaling.schedule[2]' ("0 8 1 * *", provisioned: 4) fire in the same minute, such as 2025-01-01T08:00:00.000Z)"},
      {"schedule: [{cron: '0 7 * * *', provisioned: 2}, {cron: '0 8 * * *', zone: Europe/Berlin, provisioned: 1}]", "scaling.schedule[1]",
       "such as 2025-01-01T07:00:00.000Z"},
      {"schedule: [{cron: 8, provisioned: 1}]", "scaling.schedule[0].cron", "must be a string"},
      {"schedule: [{cron: '@daily', zone: 1, provisioned: 1}]", "scaling.schedule[0].zone", "must be a string"},
  };
  for (const Refusal& row : rows) {
    const auto spec = from_yaml(fmt::format("{{endpoint: c, model: m, scaling: {{{}}}}}", row.yaml));
    ASSERT_FALSE(spec) << row.yaml;
    EXPECT_EQ(spec.error().kind, ErrorKind::kInvalid) << row.yaml;
    EXPECT_EQ(spec.error().param, row.param) << row.yaml;
    EXPECT_NE(spec.error().message.find(row.part), std::string::npos) << row.yaml << " → " << spec.error().message;
  }
  std::string entries;
  for (size_t i = 0; i < domain::kScheduleEntriesMax; ++i)
    entries += "{cron: '@daily', provisioned: 1}, ";
  EXPECT_TRUE(from_yaml(fmt::format("{{endpoint: c, model: m, scaling: {{schedule: [{}]}}}}", entries)));
  const auto more = from_yaml(fmt::format("{{endpoint: c, model: m, scaling: {{schedule: [{}{{}}]}}}}", entries));
  ASSERT_FALSE(more);
  EXPECT_EQ(more.error().param, "scaling.schedule");
  EXPECT_EQ(more.error().message, "'scaling.schedule' has 33 entries, but may have 32");
}

TEST(Yaml, ScalarsGetTheirTypes) {
  const auto value = yaml_to_json("{a: 1, b: -2.5, c: true, d: 'true', e: \"1\", f: text, g: null, h: , i: [1, x], j: 0x10, k: 1_000, l: .inf, m: yes}");
  ASSERT_TRUE(value) << value.error().message;
  EXPECT_EQ(json::serialize(*value), R"({"a":1,"b":-2.5E0,"c":true,"d":"true","e":"1","f":"text","g":null,"h":null,"i":[1,"x"],"j":"0x10","k":"1_000",)"
                                     R"("l":".inf","m":"yes"})");
}

TEST(Yaml, NothingIsNull) {
  for (const std::string_view yaml : {"", "# a comment\n", "---\n", "~"}) {
    const auto value = yaml_to_json(yaml);
    ASSERT_TRUE(value) << yaml << value.error().message;
    EXPECT_TRUE(value->is_null()) << yaml;
  }
}

TEST(Yaml, Refusals) {
  const std::pair<std::string, std::string_view> rows[] = {
      {"a: &x 1\nb: *x\n", "line 1, column 4: anchors"},
      {"b: *x\n", "line 1, column"},
      {"a: !!int 1\n", "line 1, column 4: tags"},
      {"a: !x {b: 1}\n", "tags"},
      {"a: 1\na: 2\n", "line 2, column 1: 'a' is there twice"},
      {"{[a]: 1}", "a key must be a plain word"},
      {"a: 1\n---\nb: 2\n", "more than one document"},
      {"a: [1, 2\nb: 3\n", "line "},
      {"a: b: c\n", "line 1, column 5"},
      {"\ta: 1\n", "line 1"},
      {std::string(17, '[') + std::string(17, ']'), "line 1, column 17: more than 16 levels deep"},
      {std::string(60'000, '['), "line 1"},
      {std::string("a: \0b", 5), "NUL"},
      {std::string(domain::kSpecBytesMax + 1, ' '), "at most 65536"},
  };
  for (const auto& [yaml, part] : rows) {
    const auto value = yaml_to_json(yaml);
    ASSERT_FALSE(value) << yaml.substr(0, 80);
    EXPECT_NE(value.error().message.find(part), std::string::npos) << yaml.substr(0, 80) << " → " << value.error().message;
  }
}

TEST(Spec, NearestWord) {
  EXPECT_EQ(nearest_word("memroy", {"memory", "model"}), "memory");
  EXPECT_EQ(nearest_word("mem", {"memory", "model"}), "");
  EXPECT_EQ(nearest_word("xx", {"min", "max"}), "max");
  EXPECT_EQ(nearest_word("ab", {"xy"}), "");
}

}  // namespace
}  // namespace ebb::wire
