// `ebb model add | ls | show | rm`.
#include "cli/model.h"

#include <fmt/format.h>

#include <filesystem>

#include "cli/commands.h"
#include "cli/human.h"
#include "cli/stored.h"
#include "cli/table.h"

namespace ebb::cli {

namespace {

namespace fs = std::filesystem;

Status check_ref(const std::string& text) {
  const auto ref = domain::parse_model_ref(text);
  return ref ? Status() : Status(fail(ref.error()));
}

StoredKind models() { return {.one = "model", .path = "/ebb/v1/models", .check_ref = check_ref}; }

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

Status list_models(Context& context, Server& server, const StoredOptions& options) {
  const Result<json::value> answer = server.get(models().path);
  if (!answer) return fail(answer.error());
  if (options.as_json) return print_json(context, *answer);
  const auto rows = Server::rows_of<domain::Model>(*answer, "models", wire::model_from_json);
  if (!rows) return fail(rows.error());
  if (rows->empty()) {
    context.err.line("no models yet: add one with `ebb model add NAME FILE`, a .gguf or .onnx file");
    return {};
  }
  using Row = domain::Model;
  const std::vector<Field<Row>> fields = {
      {{"MODEL"}, [](const Row& model) { return Cell(fmt::format("{}@{}", model.name, model.version), Style::kBold); }},
      {{"SIZE", Align::kRight}, [](const Row& model) { return Cell(human_bytes(model.facts.weights_bytes)); }},
      {{"PARAMETERS", Align::kRight}, [](const Row& model) { return Cell(human_count(model.facts.parameters)); }},
      {{"FORMAT"}, [](const Row& model) { return Cell(std::string(to_string(model.facts.format))); }},
      {{"QUANTIZATION"}, [](const Row& model) { return Cell(model.facts.quantization.empty() ? "-" : printable(model.facts.quantization)); }},
      {{"CONTEXT", Align::kRight}, [](const Row& model) { return Cell(model.facts.train_context == 0 ? "-" : fmt::format("{}", model.facts.train_context)); }},
      {{"ADDED", Align::kRight}, [now = context.clock.wall()](const Row& model) { return Cell(human_age(std::max(now - model.added, milliseconds(0)))); }},
      {{"SHA-256"}, [](const Row& model) { return Cell(model.digest.hex().substr(0, 12)); }},
      {{"TITLE"}, [](const Row& model) { return Cell(printable(model.facts.title)); }}};
  context.out.write(render_rows(fields, *rows, context.out));
  return {};
}

Status add(Context& context, Server& server, const StoredOptions& options) {
  const Result<domain::Model> model = add_model_from(context, server, options.name, options.source);
  if (!model) return fail(model.error());
  if (options.as_json) return print_json(context, wire::to_json(*model));
  context.out.line(describe(*model));
  context.err.line(fmt::format("deploy it: ebb deploy NAME --model {}", model->name));
  return {};
}

std::string word_of(domain::ModelFormat format) { return format == domain::ModelFormat::kOnnx ? "ONNX" : "GGUF"; }

std::vector<std::string> described(const std::vector<domain::TensorSpec>& specs) {
  std::vector<std::string> out;
  for (const domain::TensorSpec& spec : specs)
    out.push_back(spec.name + "  " + to_string(spec));
  return out;
}

std::string layout_of(const wire::ModelView& view) {
  if (view.not_prepared_why.empty()) return "for this processor, one copy for all workers";
  return "as stored, one copy for all workers: " + view.not_prepared_why;
}

// What it is; of ONNX with its tensors.
Facts facts_of(const wire::ModelView& view) {
  const domain::Model& model = view.model;
  const domain::ModelFacts& known = model.facts;
  Facts facts(14);
  facts.add("model", fmt::format("{}@{}", model.name, model.version));
  facts.add("format", word_of(known.format));
  facts.add("task", std::string(known.capability()));
  facts.add("architecture", known.architecture);
  facts.add("title", known.title);
  facts.add("parameters", human_count(known.parameters));
  facts.add("quantization", known.quantization);
  facts.add("size", human_bytes(known.weights_bytes));
  if (known.format == domain::ModelFormat::kGguf) facts.add("layout", layout_of(view));
  if (view.tokens_alike) facts.add("speculation", "by prompt lookup, which changes no answer");
  if (known.train_context > 0) facts.add("context", fmt::format("{} tokens", known.train_context));
  if (known.vocabulary > 0) facts.add("vocabulary", fmt::format("{} tokens", known.vocabulary));
  facts.add("sha256", model.digest.hex());
  facts.add("source", model.source);
  facts.add("added", wire::format_time(model.added));
  if (known.format != domain::ModelFormat::kOnnx) return facts;
  facts.add_lines("inputs", described(known.inputs));
  facts.add_lines("outputs", described(known.outputs));
  facts.add("prepared", view.not_prepared_why.empty() ? "yes" : "no: " + view.not_prepared_why);
  return facts;
}

Status show(Context& context, Server& server, const StoredOptions& options) {
  const Result<json::value> answer = get_stored(server, models(), options.ref);
  if (!answer) return fail(answer.error());
  if (options.as_json) return print_json(context, *answer);
  const Result<wire::ModelView> view = wire::model_view_from_json(*answer);
  if (!view) return fail(view.error().with_context(kNoSense));
  facts_of(*view).print(context.out);
  return {};
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
  const Result<json::value> added = add_stored(context, server, models(), wire::to_json(*request));
  if (!added) return fail(added.error());
  return wire::model_from_json(*added);
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
  const StoredCommands commands{
      .group = {.summary = "Add, list, show and remove models.", .details = "", .example = "  ebb model add smol ./smol.gguf"},
      .add = {{.summary = "Add a model in GGUF or ONNX to the store.",
               .details = "A name that exists gets a new version; the same content is stored once. What is added is checked first.\n"
                          "A folder or tar archive has model.onnx, what it names beside itself, and an ebb.yaml that says what it is for.",
               .example = "  ebb model add smol ./smol.gguf\n"
                          "  ebb model add sentences ./folder-with-model-onnx-and-ebb-yaml\n"
                          "  ebb model add smol https://example.com/smol.gguf#sha256=…"},
              add},
      .source_type = "PATH|URL",
      .source_text = "A file, a folder, or an http(s) address, if you like with #sha256= and its checksum",
      .list = {{.summary = "List models and their versions.", .details = "", .example = "  ebb model ls"}, list_models},
      .show = {{.summary = "Show all that is known of a model.",
                .details = "NAME means its newest version, NAME@VERSION that one.",
                .example = "  ebb model show smol"},
               show},
      .remove = {.summary = "Remove a model that no endpoint uses.",
                 .details = "NAME means all its versions, NAME@VERSION that one.",
                 .example = "  ebb model rm smol@1"}};
  add_stored_commands(app, context, models(), commands);
}

}  // namespace ebb::cli
