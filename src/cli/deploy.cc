// `ebb deploy`: flags over a file over defaults become one specification.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "cli/commands.h"
#include "cli/human.h"
#include "cli/image.h"
#include "cli/model.h"
#include "cli/server.h"
#include "cli/spec_file.h"
#include "wire/spec.h"

namespace ebb::cli {

namespace {

namespace fs = std::filesystem;

struct DeployOptions {
  std::string name;
  std::string file;
  std::string engine;
  std::string model;
  std::string image;
  std::string contract;
  std::vector<std::string> mounts;
  std::vector<std::string> env;
  std::optional<int64_t> concurrency;
  bool egress = false;
  std::vector<std::string> egress_to;
  std::string memory;
  std::string idle;
  std::string keep;
  std::string wait;
  std::string time;
  std::optional<int64_t> context;
  std::optional<int64_t> min;
  std::optional<int64_t> max;
  std::string priority;
  std::optional<int64_t> queue;
  bool as_json = false;
};

// A source in a file is meant from where the text is.
void resolve_sources(SpecFile& file) {
  for (const std::string_view key : {"model", "image"}) {
    const json::value* const field = file.spec.if_contains(key);
    if (field == nullptr || !field->is_string()) continue;
    const std::string named(field->get_string());
    const bool relative = named.starts_with('.') && named.find('/') != std::string::npos;
    if (relative) file.spec[key] = (fs::path(file.path).parent_path() / named).lexically_normal().string();
  }
}

// "model:smol@3=/opt/ml/model"
Result<json::value> mount_of(const std::string& text) {
  constexpr std::string_view kKind = "model:";
  const size_t equals = text.find('=');
  if (!text.starts_with(kKind) || equals == std::string::npos) return usage_error(fmt::format("--mount is '{}': write model:NAME@VERSION=/path/inside", text));
  return json::value{{"model", text.substr(kKind.size(), equals - kKind.size())}, {"path", text.substr(equals + 1)}};
}

Status apply_function_flags(const DeployOptions& options, json::object& spec) {
  if (!options.image.empty()) spec["image"] = options.image;
  if (!options.contract.empty()) spec["contract"] = options.contract;
  if (options.concurrency) spec["concurrency"] = *options.concurrency;
  if (options.egress) spec["egress"] = true;
  if (!options.egress_to.empty()) spec["egress"] = json::array(options.egress_to.begin(), options.egress_to.end());
  json::array mounts;
  for (const std::string& text : options.mounts) {
    Result<json::value> mount = mount_of(text);
    if (!mount) return fail(mount.error());
    mounts.push_back(std::move(*mount));
  }
  if (!mounts.empty()) spec["mounts"] = std::move(mounts);
  for (const std::string& variable : options.env) {
    const size_t equals = variable.find('=');
    if (equals == std::string::npos || equals == 0) return usage_error(fmt::format("--env is '{}': write NAME=value", variable));
    if (!spec.contains("env") || !spec["env"].is_object()) spec["env"] = json::object();
    spec["env"].get_object()[variable.substr(0, equals)] = variable.substr(equals + 1);
  }
  return {};
}

// The object at `key`, made if it is missing; what is no object is left for parse_spec to refuse.
void set_inner(json::object& spec, std::string_view key, std::string_view field, json::value value) {
  if (const json::value* inner = spec.if_contains(key); inner == nullptr || inner->is_null()) spec[key] = json::object();
  if (spec[key].is_object()) spec[key].get_object()[field] = std::move(value);
}

void apply_flags(const DeployOptions& options, json::object& spec) {
  for (const auto& [key, text] : {std::pair{"endpoint", &options.name},
                                  {"engine", &options.engine},
                                  {"model", &options.model},
                                  {"memory", &options.memory},
                                  {"priority", &options.priority}}) {
    if (!text->empty()) spec[key] = *text;
  }
  if (options.context) spec["context"] = *options.context;
  if (options.min) set_inner(spec, "scaling", "min", *options.min);
  if (options.max) set_inner(spec, "scaling", "max", *options.max);
  if (options.queue) set_inner(spec, "limits", "queue", *options.queue);
  if (!options.idle.empty()) set_inner(spec, "scaling", "idle", json::value(options.idle));
  if (!options.keep.empty()) set_inner(spec, "scaling", "keep", json::value(options.keep));
  if (!options.wait.empty()) set_inner(spec, "limits", "wait", json::value(options.wait));
  if (!options.time.empty()) set_inner(spec, "limits", "time", json::value(options.time));
}

// Everything is checked before a file is sent anywhere. What the file has wrong by itself is pointed at there.
Result<domain::EndpointSpec> checked(json::object spec, bool model_is_source, bool image_is_source, const std::optional<SpecFile>& file) {
  if (model_is_source) spec["model"] = "added-first";
  if (image_is_source) spec["image"] = "added-first";
  Result<domain::EndpointSpec> parsed = wire::parse_spec(spec);
  if (parsed) return parsed;
  if (file) {
    Result<domain::EndpointSpec> of_file = parse_spec_file(*file);
    if (!of_file && of_file.error().message.ends_with(parsed.error().message)) return of_file;
  }
  return usage_error(parsed.error().message);
}

// A command that asks it, by what it is: a web server has pages, other functions take JSON; none for a model that takes tensors.
std::string example_of(const Context& context, const wire::EndpointRow& row) {
  const std::string& name = row.spec.name;
  std::string server = context.server;
  while (server.ends_with('/'))
    server.pop_back();
  if (row.contract == domain::to_string(domain::Contract::kCloudRun)) return fmt::format("curl {}/invoke/{}/", server, name);
  if (!row.image.empty()) return fmt::format("ebb invoke {} --data '{{}}'", name);
  const std::string classify = server + "/v1/classify";
  if (row.capability == "embedding") return fmt::format("ebb embed {} \"Why is the sky blue?\"", name);
  if (row.capability == "completion" || row.capability.empty()) return fmt::format("ebb chat {} \"Why is the sky blue?\"", name);
  if (row.capability == "image-classification") return fmt::format("curl -F file=@picture.jpg -F model={} {}", name, classify);
  if (row.capability == "text-classification") return fmt::format(R"(curl {} -d '{{"model": "{}", "input": "What a day!"}}')", classify, name);
  return {};
}

void print_deployed(Context& context, const wire::EndpointRow& row) {
  if (!row.image.empty()) {
    const bool detected = row.spec.function && !row.spec.function->contract;
    const std::string calls = row.calls_per_instance == 1 ? "one call" : fmt::format("{} calls", row.calls_per_instance);
    context.out.line(fmt::format("{} is deployed: {} by the contract {}{}, {} at once in an instance of {} MiB, revision {}", row.spec.name, row.image,
                                 row.contract, detected ? " (as the image says)" : "", calls, row.memory_mib, to_hex(row.revision)));
  } else {
    const std::string model = row.model.empty() ? std::string(domain::to_string(row.spec.engine)) : row.model;
    const std::string tokens = row.context_tokens > 0 ? fmt::format("{} tokens of context, ", row.context_tokens) : "";
    context.out.line(fmt::format("{} is deployed: {}, {}{} MiB a call, revision {}", row.spec.name, model, tokens, row.memory_mib, to_hex(row.revision)));
  }
  if (const std::string example = example_of(context, row); !example.empty()) context.err.line("ask it: " + example);
}

Status deploy(Context& context, Server& server, const DeployOptions& options) {
  if (options.name.empty() && options.file.empty()) return usage_error("name the endpoint, or its file with -f\nsee `ebb deploy --help`");
  json::object spec;
  std::optional<SpecFile> file;
  if (!options.file.empty()) {
    Result<SpecFile> read = read_spec_file(options.file);
    if (!read) return fail(read.error());
    file = std::move(*read);
    resolve_sources(*file);
    spec = file->spec;
  }
  apply_flags(options, spec);
  if (Status applied = apply_function_flags(options, spec); !applied) return applied;
  const auto named = [&spec](std::string_view key) {
    const json::value* const value = spec.if_contains(key);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
  };
  const std::string model = named("model");
  const std::string image = named("image");
  const bool is_source = is_model_source(model);
  const bool image_is_source = is_image_source(image);
  Result<domain::EndpointSpec> wanted = checked(spec, is_source, image_is_source, file);
  if (!wanted) return fail(wanted.error());
  if (image_is_source) {
    const Result<domain::Image> added = add_image_from(context, server, wanted->name, image);
    if (!added) return fail(added.error());
    wanted->function->image = domain::ImageRef{.name = added->name, .version = added->version};
  }
  if (is_source) {
    const Result<domain::Model> added = add_model_from(context, server, wanted->name, model);
    if (!added) return fail(added.error());
    if (!options.as_json) context.err.line(describe(*added));
    wanted->model = domain::ModelRef{.name = added->name, .version = added->version};
  }
  const Result<json::value> answer = server.put(endpoint_path(wanted->name), wire::spec_to_json(*wanted));
  if (!answer) return fail(answer.error());
  if (options.as_json) return print_json(context, *answer);
  const Result<wire::EndpointRow> row = wire::endpoint_row_from_json(*answer);
  if (!row) return fail(row.error().with_context(kNoSense));
  print_deployed(context, *row);
  return {};
}

void add_options(CLI::App* command, DeployOptions& options) {
  command->add_option("name", options.name, "The endpoint's name; over the one in the file")->type_name("NAME");
  command->add_option("-f,--file", options.file, "Read the specification from this YAML or JSON file; flags go over it")->type_name("FILE");
  command->add_option("--model", options.model, "A file, folder or address, which is added to the store first, or a stored model: NAME or NAME@VERSION")
      ->type_name("PATH|MODEL");
  command->add_option("--image", options.image, "A container image: an archive, a layout folder or a registry's address, added first, or a stored one")
      ->type_name("PATH|ADDRESS|IMAGE");
  command->add_option("--contract", options.contract, "What the image was written for; by the image if left out")
      ->check(CLI::IsMember({"lambda", "cloudrun", "sagemaker", "azure", "kserve"}).description(""))
      ->type_name("lambda|cloudrun|sagemaker|azure|kserve");
  command->add_option("--concurrency", options.concurrency, "Calls at once in one instance of a function; the contract's if left out")->type_name("CALLS");
  command->add_option("--mount", options.mounts, "A stored model as a read-only file inside: model:NAME@VERSION=/path; may be repeated")->type_name("MOUNT");
  command->add_option("--env", options.env, "A variable of a function: NAME=value; may be repeated")->type_name("VARIABLE");
  CLI::Option* const egress = command->add_flag("--egress", options.egress, "Let a function reach every public host, by a proxy");
  command->add_option("--egress-to", options.egress_to, "Let it reach this host alone: api.example.com, *.example.com:443; may be repeated")
      ->type_name("HOST")
      ->excludes(egress);
  command->add_option("--memory", options.memory, "Memory that a call is billed for, such as 512MiB; from the model if left out")->type_name("SIZE");
  command->add_option("--context", options.context, "Tokens of prompt and answer together; the model's own, at most 4096, if left out")->type_name("TOKENS");
  command->add_option("--min", options.min, "Slots kept ready without traffic; 0 if left out")->type_name("SLOTS");
  command->add_option("--max", options.max, "Slots at most; 16 if left out")->type_name("SLOTS");
  command->add_option("--idle", options.idle, "Park after this long without a call, such as 30s; auto if left out")->type_name("TIME");
  command->add_option("--keep", options.keep, "End a parked worker after this long without a call; left out: when it is not worth its memory")
      ->type_name("TIME");
  command->add_option("--priority", options.priority, "Class of calls that do not say theirs; normal if left out")
      ->check(CLI::IsMember({"critical", "normal", "batch"}).description(""))
      ->type_name("critical|normal|batch");
  command->add_option("--queue", options.queue, "Calls that may wait at once; 200 if left out")->type_name("CALLS");
  command->add_option("--wait", options.wait, "Longest wait for a slot, starts included; 30s if left out")->type_name("TIME");
  command->add_option("--time", options.time, "Longest execution of a call; 2m if left out")->type_name("TIME");
  command->add_flag("--json", options.as_json, "Print the endpoint as JSON");
  // An engine that only tests and benchmarks use: in no help.
  command->add_option("--engine", options.engine)->type_name("llama|onnx|echo")->group("");
}

}  // namespace

void add_deploy(CLI::App& app, Context& context) {
  CLI::App* const command = client_command(app, context, "deploy",
                                           {.summary = "Create an endpoint, or give it a new revision.",
                                            .details = "Running calls finish on the old revision.",
                                            .example = "  ebb deploy chat --model ./some.gguf\n"
                                                       "  ebb deploy chat --model smol@3 --max 8 --idle 1m\n"
                                                       "  ebb deploy resize --image ./resize.oci.tar --memory 256MiB\n"
                                                       "  ebb deploy -f endpoint.yaml\n"
                                                       "with endpoint.yaml:\n"
                                                       "  endpoint: chat\n"
                                                       "  model: smol@3\n"
                                                       "  memory: 512MiB\n"
                                                       "  context: 4096\n"
                                                       "  scaling: {min: 0, max: 16, idle: auto, keep: auto}\n"
                                                       "  limits: {queue: 200, wait: 30s, time: 2m}"});
  // Shared with the callback, which the app keeps.
  const auto options = std::make_shared<DeployOptions>();
  add_options(command, *options);
  set_action(command, context, [&context, options](Server& server, Interrupt&) { return deploy(context, server, *options); });
}

}  // namespace ebb::cli
