// Rows for the specification of functions, and what the catalog keeps of them.
#include "wire/spec_function.h"

#include <gtest/gtest.h>

#include "wire/spec.h"

namespace ebb::wire {
namespace {

Result<domain::EndpointSpec> parse(std::string_view yaml) {
  const Result<json::value> value = yaml_to_json(yaml);
  if (!value) return fail(value.error());
  return parse_spec(*value);
}

TEST(FunctionSpec, AllFieldsComeBackAsTheyWereWritten) {
  const auto spec = parse(R"(
endpoint: resize
image: resize@2
contract: kserve
concurrency: 4
command: [python3, /app.py, ""]
env: {LEVEL: debug, EMPTY: ""}
mounts: [{model: smol@3, path: /opt/ml/model}]
port: 9000
health: /healthz
path: /predict
tmp: 64MiB
cpu: 1.5
start: 20s
egress: [API.example.com, "*.example.org:443"]
memory: 128MiB
)");
  ASSERT_TRUE(spec) << spec.error().message;
  EXPECT_EQ(spec->engine, domain::Engine::kContainer);
  ASSERT_TRUE(spec->function);
  EXPECT_EQ(spec->function->contract, domain::Contract::kKserve);
  EXPECT_EQ(spec->function->command, (std::vector<std::string>{"python3", "/app.py", ""}));
  EXPECT_EQ(spec->function->env.at("EMPTY"), "");
  EXPECT_EQ(spec->function->mounts.at(0).path, "/opt/ml/model");
  EXPECT_EQ(spec->function->tmp_mib, 64);
  ASSERT_TRUE(spec->function->egress);
  EXPECT_EQ(spec->function->egress->hosts,
            (std::vector<domain::EgressHost>{{.name = "api.example.com", .port = std::nullopt}, {.name = "*.example.org", .port = 443}}));
  const auto again = parse_spec(spec_to_json(*spec));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, *spec);
}

TEST(FunctionSpec, AWayOutIsNoneAllOrNamed) {
  const auto egress = [](std::string_view value) {
    const auto spec = parse("{endpoint: f, image: x, egress: " + std::string(value) + "}");
    EXPECT_TRUE(spec) << spec.error().message;
    EXPECT_EQ(*parse_spec(spec_to_json(*spec)), *spec);
    return spec->function->egress;
  };
  EXPECT_FALSE(egress("false"));
  EXPECT_FALSE(egress("null"));
  EXPECT_EQ(egress("true"), domain::Egress{});
  EXPECT_EQ(egress("[a.b]")->hosts.size(), 1U);
}

TEST(FunctionSpec, Refusals) {
  struct Row {
    std::string_view yaml;
    std::string_view param;
    std::string_view part;
  };
  for (const Row& row : std::vector<Row>{
           {"{endpoint: f, image: x, model: m}", "model", "does not go with 'image'"},
           {"{endpoint: f, image: x, context: 5}", "context", "does not go with 'image'"},
           {"{endpoint: f, model: m, tmp: 1MiB}", "tmp", "needs an 'image'"},
           {"{endpoint: f, image: 'X Y'}", "image", ""},
           {"{endpoint: f, image: x, contract: gcf}", "contract", "lambda, cloudrun"},
           {"{endpoint: f, image: x, contract: lambda, concurrency: 2}", "concurrency", "one call at a time"},
           {"{endpoint: f, image: x, command: run}", "command", ""},
           {"{endpoint: f, model: m, egress: true}", "egress", "needs an 'image'"},
           {"{endpoint: f, image: x, egress: all}", "egress", "true, or a list"},
           {"{endpoint: f, image: x, egress: []}", "egress", "1 to 64 hosts"},
           {"{endpoint: f, image: x, egress: ['http://a']}", "egress", "'http://a' is no host"},
           {"{endpoint: f, image: x, egress: [1]}", "egress", "is no host"},
           {"{endpoint: f, image: x, command: []}", "command", "names no program"},
           {"{endpoint: f, image: x, command: [1]}", "command", "list of strings"},
           {"{endpoint: f, image: x, env: {A: 1}}", "env", "put it in quotes"},
           {"{endpoint: f, image: x, env: {'A=B': x}}", "env", "no name for a variable"},
           {"{endpoint: f, image: x, mounts: [{model: m, path: opt}]}", "mounts[0].path", "absolute path"},
           {"{endpoint: f, image: x, mounts: [{model: m, path: /a/../b}]}", "mounts[0].path", "absolute path"},
           {"{endpoint: f, image: x, mounts: [{model: m, path: /a}, {model: n, path: /a}]}", "mounts[1].path", "twice"},
           {"{endpoint: f, image: x, mounts: [{path: /a}]}", "mounts[0].model", ""},
           {"{endpoint: f, image: x, port: 0}", "port", ""},
           {"{endpoint: f, image: x, health: healthz}", "health", "begins with '/'"},
           {"{endpoint: f, image: x, tmp: 64}", "tmp", "needs a unit"},
           {"{endpoint: f, image: x, cpu: 0}", "cpu", ""},
           {"{endpoint: f, image: x, start: 60}", "start", "needs a unit"},
           {"{endpoint: f, image: x, memory: 4MiB}", "memory", "at least 16MiB"},
           {"{endpoint: f, image: x, comand: [a]}", "comand", "did you mean 'command'"},
       }) {
    const auto spec = parse(row.yaml);
    ASSERT_FALSE(spec) << row.yaml;
    EXPECT_EQ(spec.error().param, row.param) << row.yaml << " → " << spec.error().message;
    EXPECT_NE(spec.error().message.find(row.part), std::string::npos) << row.yaml << " → " << spec.error().message;
  }
}

StoredFunction stored() {
  StoredFunction out{.spec = {.image = {.name = "resize", .version = 2}, .env = {{"A", "b"}}}};
  out.function.image = {.name = "resize", .version = 2, .source = "docker://r/x"};
  out.function.image.digest.bytes[3] = 9;
  out.function.image.facts = {.architecture = "amd64", .os = "linux"};
  out.function.image.facts.config.entrypoint = {"/run"};
  out.function.contract = domain::Contract::kLambda;
  out.function.user = {.uid = 7, .gid = 8, .groups = {9, 10}};
  domain::Model model{.name = "smol", .version = 1};
  model.facts = {.layers = 1, .train_context = 1, .vocabulary = 1};
  out.function.mounts = {{model, "/opt/ml/model"}};
  out.function.azure = domain::AzureApp{.argv = {"python3", "app.py"},
                                        .cwd = "/home/site/wwwroot",
                                        .forwards = true,
                                        .prefix = "",
                                        .routes = {{.function = "f", .path = "f/{id}", .methods = {"GET"}, .input = "in", .output = "$return"}}};
  return out;
}

TEST(StoredFunction, ComesBackAndDamageIsFound) {
  const std::string text = store_function(stored());
  const auto back = read_stored_function(text);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, stored());
  for (const char* key : {"\"spec\"", "\"contract\"", "\"user\"", "\"digest\""}) {
    std::string damaged = text;
    damaged.replace(damaged.rfind(key), std::string_view(key).size(), "\"other\"");
    const auto read = read_stored_function(damaged);
    ASSERT_FALSE(read) << key;
    EXPECT_EQ(read.error().kind, ErrorKind::kCorrupt);
  }
  EXPECT_FALSE(read_stored_function(text.substr(1)));
}

}  // namespace
}  // namespace ebb::wire
