// `ebb model add | ls | show | rm`.
#include "cli/model.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>

#include "cli/commands.h"
#include "cli/human.h"
#include "cli/progress.h"
#include "cli/table.h"

namespace ebb::cli {

namespace {

namespace fs = std::filesystem;

struct ModelOptions {
  std::string name;
  std::string source;
  std::string ref;
  bool as_json = false;
};

bool is_url(std::string_view text) { return text.starts_with("http://") || text.starts_with("https://"); }

bool has_model_in_it(const fs::path& folder) {
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().extension() == ".onnx") return true;
  }
  return false;
}

Result<wire::AddModel> request_of(const std::string& name, const std::string& source) {
  if (!domain::is_name(name)) return usage_error(fmt::format("'{}' is no name for a model: {}", name.substr(0, 80), domain::kNameRule));
  wire::AddModel request{.name = name, .source = source, .sha256 = std::nullopt};
  if (is_url(source)) {
    const size_t mark = source.find('#');
    if (mark == std::string::npos) return request;
    const std::string fragment = source.substr(mark + 1);
    const auto digest = domain::parse_digest(fragment);
    if (!fragment.starts_with("sha256=") || !digest)
      return usage_error(fmt::format("'#{}' is no checksum: write #sha256= and its 64 hexadecimal digits", fragment.substr(0, 80)));
    request.source = source.substr(0, mark);
    request.sha256 = *digest;
    return request;
  }
  std::error_code error;
  const fs::file_status status = fs::status(source, error);
  if (!fs::exists(status)) return usage_error(fmt::format("there is no file '{}'", source));
  if (fs::is_directory(status) && !has_model_in_it(source))
    return usage_error(fmt::format("'{}' is a directory without a model.onnx: name the .gguf file in it, or a folder with model.onnx and ebb.yaml", source));
  std::string path = fs::absolute(source, error).lexically_normal().string();
  if (path.size() > 1 && path.ends_with('/')) path.pop_back();
  request.source = std::move(path);
  return request;
}

Status list_models(Context& context, Server& server, const ModelOptions& options) {
  const Result<json::value> answer = server.get("/ebb/v1/models");
  if (!answer) return fail(answer.error());
  if (options.as_json) {
    context.out.line(json::serialize(*answer));
    return {};
  }
  const auto models = Server::rows_of<domain::Model>(*answer, "models", wire::model_from_json);
  if (!models) return fail(models.error());
  if (models->empty()) {
    context.err.line("no models yet: add one with `ebb model add NAME FILE`, a .gguf or .onnx file");
    return {};
  }
  Table table({{"MODEL"},
               {"SIZE", Align::kRight},
               {"PARAMETERS", Align::kRight},
               {"FORMAT"},
               {"QUANTIZATION"},
               {"CONTEXT", Align::kRight},
               {"ADDED", Align::kRight},
               {"SHA-256"},
               {"TITLE"}});
  const WallTime now = context.clock.wall();
  for (const domain::Model& model : *models) {
    table.add({{fmt::format("{}@{}", model.name, model.version), Style::kBold},
               {human_bytes(model.facts.weights_bytes)},
               {human_count(model.facts.parameters)},
               {std::string(to_string(model.facts.format))},
               {model.facts.quantization.empty() ? "-" : printable(model.facts.quantization)},
               {model.facts.train_context == 0 ? "-" : fmt::format("{}", model.facts.train_context)},
               {human_age(std::max(now - model.added, milliseconds(0)))},
               {model.digest.hex().substr(0, 12)},
               {printable(model.facts.title)}});
  }
  context.out.write(table.render(context.out));
  return {};
}

Status add(Context& context, Server& server, const ModelOptions& options) {
  const Result<domain::Model> model = add_model_from(context, server, options.name, options.source);
  if (!model) return fail(model.error());
  if (options.as_json) {
    context.out.line(json::serialize(wire::to_json(*model)));
  } else {
    context.out.line(describe(*model));
    context.err.line(fmt::format("deploy it: ebb deploy NAME --model {}", model->name));
  }
  return {};
}

std::string word_of(domain::ModelFormat format) { return format == domain::ModelFormat::kOnnx ? "ONNX" : "GGUF"; }

using Rows = std::vector<std::pair<std::string, std::string>>;

void add_tensors(Rows& rows, const std::string& what, const std::vector<domain::TensorSpec>& specs) {
  for (const domain::TensorSpec& spec : specs)
    rows.emplace_back(&spec == specs.data() ? what : "", printable(spec.name) + "  " + to_string(spec));
}

// What it is, a line each; of ONNX with its tensors.
Rows rows_of(const wire::ModelView& view) {
  const domain::Model& model = view.model;
  const domain::ModelFacts& facts = model.facts;
  Rows rows{{"model", fmt::format("{}@{}", model.name, model.version)},
            {"format", word_of(facts.format)},
            {"task", std::string(facts.capability())},
            {"architecture", printable(facts.architecture)}};
  const auto add = [&rows](const char* name, std::string value) {
    if (!value.empty()) rows.emplace_back(name, std::move(value));
  };
  add("title", printable(facts.title));
  add("parameters", human_count(facts.parameters));
  add("quantization", printable(facts.quantization));
  add("size", human_bytes(facts.weights_bytes));
  if (facts.train_context > 0) add("context", fmt::format("{} tokens", facts.train_context));
  if (facts.vocabulary > 0) add("vocabulary", fmt::format("{} tokens", facts.vocabulary));
  add("sha256", model.digest.hex());
  add("source", printable(model.source));
  add("added", wire::format_time(model.added));
  if (facts.format != domain::ModelFormat::kOnnx) return rows;
  add_tensors(rows, "inputs", facts.inputs);
  add_tensors(rows, "outputs", facts.outputs);
  add("prepared", view.not_prepared_why.empty() ? "yes" : "no: " + printable(view.not_prepared_why));
  return rows;
}

Status show(Context& context, Server& server, const ModelOptions& options) {
  if (const auto ref = domain::parse_model_ref(options.ref); !ref) return usage_error(ref.error().message);
  const Result<json::value> answer = server.get("/ebb/v1/models/" + url_encode(options.ref));
  if (!answer) return fail(answer.error());
  if (options.as_json) {
    context.out.line(json::serialize(*answer));
    return {};
  }
  const Result<wire::ModelView> view = wire::model_view_from_json(*answer);
  if (!view) return fail(view.error().with_context("the server's answer makes no sense to this version of ebb"));
  for (const auto& [name, value] : rows_of(*view))
    context.out.line(fmt::format("{:<14}{}", name, value));
  return {};
}

Status remove(Context& context, Server& server, const ModelOptions& options) {
  if (const auto ref = domain::parse_model_ref(options.ref); !ref) return usage_error(ref.error().message);
  const Result<json::value> answer = server.remove("/ebb/v1/models/" + url_encode(options.ref));
  if (!answer) return fail(answer.error());
  context.out.line(options.ref + " is removed");
  return {};
}

using Action = Status (*)(Context&, Server&, const ModelOptions&);

void set_action(CLI::App* command, Context& context, const std::shared_ptr<ModelOptions>& options, Action action) {
  command->callback([&context, options, action] {
    context.action = [&context, options, action] { return run_client(context, [&](Server& server, Interrupt&) { return action(context, server, *options); }); };
  });
}

}  // namespace

bool is_model_source(const std::string& text) {
  std::error_code error;
  return is_url(text) || text.find('/') != std::string::npos ||
         ((text.ends_with(".gguf") || text.ends_with(".onnx") || text.ends_with(".tar")) && fs::exists(text, error));
}

Result<domain::Model> add_model_from(Context& context, Server& server, const std::string& name, const std::string& source) {
  const Result<wire::AddModel> request = request_of(name, source);
  if (!request) return fail(request.error());
  ProgressBar bar(context.err);
  Result<domain::Model> outcome = fail(ErrorKind::kIo, "the server ended before the model was added: `ebb model ls` shows what there is");
  HttpRequest post{.method = "POST", .path = "/ebb/v1/models", .body = json::serialize(wire::to_json(*request)), .time_max = milliseconds(0)};
  const auto response = server.stream(std::move(post), [&](std::string_view line) {
    const Result<json::value> value = parse_json(line);
    const json::object* const object = value ? value->if_object() : nullptr;
    if (object == nullptr) return true;
    if (const json::value* model = object->if_contains("model")) outcome = wire::model_from_json(*model);
    if (object->contains("error")) outcome = fail(error_of({.status = 200, .body = std::string(line)}));
    if (const Result<wire::ModelProgress> progress = wire::model_progress_from_json(*value))
      bar.update(printable(progress->phase), progress->done_bytes, progress->total_bytes, context.clock.mono());
    return true;
  });
  bar.clear();
  if (!response) return fail(response.error());
  return outcome;
}

std::string describe(const domain::Model& model) {
  const domain::ModelFacts& facts = model.facts;
  std::string text = fmt::format("{}@{}: {}{}, {} parameters", model.name, model.version, facts.title.empty() ? "" : printable(facts.title) + ", ",
                                 printable(facts.architecture), human_count(facts.parameters));
  if (!facts.quantization.empty()) text += ", " + printable(facts.quantization);
  text += ", " + human_bytes(facts.weights_bytes);
  if (facts.format == domain::ModelFormat::kOnnx) text += fmt::format(", ONNX, {}", facts.capability());
  if (facts.train_context > 0) text += fmt::format(", context {}", facts.train_context);
  return text;
}

void add_model(CLI::App& app, Context& context) {
  CLI::App* const group =
      plain_command(app, "model", {.summary = "Add, list, show and remove models.", .details = "", .example = "  ebb model add smol ./smol.gguf"});
  group->require_subcommand(1);
  // Shared with the callbacks, which the app keeps.
  const auto options = std::make_shared<ModelOptions>();

  CLI::App* const adding =
      client_command(*group, context, "add",
                     {.summary = "Add a model in GGUF or ONNX to the store.",
                      .details = "A name that exists gets a new version; the same content is stored once. What is added is checked first.\n"
                                 "A folder or tar archive has model.onnx, what it names beside itself, and an ebb.yaml that says what it is for.",
                      .example = "  ebb model add smol ./smol.gguf\n"
                                 "  ebb model add sentences ./folder-with-model-onnx-and-ebb-yaml\n"
                                 "  ebb model add smol https://example.com/smol.gguf#sha256=…"});
  adding->add_option("name", options->name, "The model's name")->type_name("NAME")->required();
  adding->add_option("source", options->source, "A file, a folder, or an http(s) address, if you like with #sha256= and its checksum")
      ->type_name("PATH|URL")
      ->required();
  adding->add_flag("--json", options->as_json, "Print the model as JSON");
  set_action(adding, context, options, add);

  CLI::App* const listing = client_command(*group, context, "ls", {.summary = "List models and their versions.", .details = "", .example = "  ebb model ls"});
  listing->add_flag("--json", options->as_json, "Print the server's answer as JSON");
  set_action(listing, context, options, list_models);

  CLI::App* const showing = client_command(*group, context, "show",
                                           {.summary = "Show all that is known of a model.",
                                            .details = "NAME means its newest version, NAME@VERSION that one.",
                                            .example = "  ebb model show smol"});
  showing->add_option("model", options->ref, "Which model")->type_name("MODEL")->required();
  showing->add_flag("--json", options->as_json, "Print the server's answer as JSON");
  set_action(showing, context, options, show);

  CLI::App* const removing = client_command(*group, context, "rm",
                                            {.summary = "Remove a model that no endpoint uses.",
                                             .details = "NAME means all its versions, NAME@VERSION that one.",
                                             .example = "  ebb model rm smol@1"});
  removing->add_option("model", options->ref, "Which model")->type_name("MODEL")->required();
  set_action(removing, context, options, remove);
}

}  // namespace ebb::cli
