// `ebb image add | ls | show | rm`.
#include "cli/image.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>

#include "cli/commands.h"
#include "cli/human.h"
#include "cli/progress.h"
#include "cli/table.h"
#include "domain/endpoint.h"
#include "wire/image_admin_json.h"

namespace ebb::cli {

namespace {

namespace fs = std::filesystem;

struct ImageOptions {
  std::string name;
  std::string source;
  std::string ref;
  bool as_json = false;
};

bool exists(const std::string& path) {
  std::error_code error;
  return fs::exists(path, error);
}

std::string absolute(const std::string& path) {
  std::error_code error;
  return fs::absolute(path, error).lexically_normal().string();
}

bool is_path(std::string_view text) { return text.starts_with('/') || text.starts_with("./") || text.starts_with("../"); }

// "host.tld/…", "host:port/…", "localhost/…", or with a scheme, which the server judges.
bool is_reference(std::string_view text) {
  const std::string_view first = text.substr(0, text.find('/'));
  return text.find("://") != std::string_view::npos ||
         (first.size() < text.size() && (first == "localhost" || first.find_first_of(".:[") != std::string_view::npos));
}

Result<std::string> source_of(const std::string& text) {
  if (exists(text)) return absolute(text);
  // A file or folder with a name behind it.
  for (size_t colon = text.rfind(':'); colon != std::string::npos && colon > 0; colon = text.rfind(':', colon - 1)) {
    const std::string path = text.substr(0, colon);
    if (exists(path)) return absolute(path) + text.substr(colon);
  }
  if (!is_path(text) && is_reference(text)) return text;
  if (is_path(text) || text.ends_with(".tar") || text.find('/') == std::string::npos) return usage_error(fmt::format("there is no file or folder '{}'", text));
  return usage_error(fmt::format("there is no file or folder '{}', and a reference names its registry: HOST/NAME:TAG", text));
}

uint64_t layer_bytes(const domain::Image& image) {
  uint64_t sum = 0;
  for (const domain::ImageLayer& layer : image.facts.layers)
    sum += layer.bytes;
  return sum;
}

Status list_images(Context& context, Server& server, const ImageOptions& options) {
  const Result<json::value> answer = server.get("/ebb/v1/images");
  if (!answer) return fail(answer.error());
  if (options.as_json) {
    context.out.line(json::serialize(*answer));
    return {};
  }
  const auto images = Server::rows_of<domain::Image>(*answer, "images", wire::image_from_json);
  if (!images) return fail(images.error());
  if (images->empty()) {
    context.err.line("no images yet: add one with `ebb image add NAME FILE.tar`");
    return {};
  }
  Table table({{"IMAGE"},
               {"PLATFORM"},
               {"LAYERS", Align::kRight},
               {"SIZE", Align::kRight},
               {"UNPACKED", Align::kRight},
               {"ADDED", Align::kRight},
               {"SHA-256"},
               {"SOURCE"}});
  const WallTime now = context.clock.wall();
  for (const domain::Image& image : *images) {
    table.add({{fmt::format("{}@{}", image.name, image.version), Style::kBold},
               {printable(image.facts.os + "/" + image.facts.architecture)},
               {fmt::format("{}", image.facts.layers.size())},
               {human_bytes(layer_bytes(image))},
               {human_bytes(image.facts.unpacked_bytes)},
               {human_age(std::max(now - image.added, milliseconds(0)))},
               {image.digest.hex().substr(0, 12)},
               {printable(image.source)}});
  }
  context.out.write(table.render(context.out));
  return {};
}

// An argument as a shell would need it, so that blanks are seen.
std::string quoted(const std::vector<std::string>& words) {
  std::vector<std::string> shown;
  for (const std::string& word : words)
    shown.push_back(word.find_first_of(" \t\n\"'\\$") == std::string::npos && !word.empty() ? word : json::serialize(json::value(word)));
  return printable(fmt::format("{}", fmt::join(shown, " ")));
}

void show_lines(Context& context, const char* what, const std::vector<std::string>& texts) {
  for (size_t i = 0; i < texts.size(); ++i)
    context.out.line(fmt::format("{:<12}{}", i == 0 ? what : "", printable(texts[i])));
}

void show_text(Context& context, const char* what, const std::string& text) {
  if (!text.empty()) context.out.line(fmt::format("{:<12}{}", what, text));
}

void show_image(Context& context, const domain::Image& image) {
  const domain::ImageConfig& config = image.facts.config;
  show_text(context, "image", fmt::format("{}@{}", image.name, image.version));
  show_text(context, "source", printable(image.source));
  show_text(context, "manifest", "sha256:" + image.digest.hex());
  show_text(context, "platform", printable(image.facts.os + "/" + image.facts.architecture));
  show_text(context, "unpacked", human_bytes(image.facts.unpacked_bytes));
  show_text(context, "entrypoint", quoted(config.entrypoint));
  show_text(context, "command", quoted(config.cmd));
  show_lines(context, "env", config.env);
  show_text(context, "workdir", printable(config.workdir));
  show_text(context, "user", printable(config.user));
  show_text(context, "stop signal", printable(config.stop_signal));
  show_lines(context, "ports", config.exposed_ports);
  std::vector<std::string> labels;
  for (const auto& [name, value] : config.labels)
    labels.push_back(fmt::format("{}={}", name, value));
  show_lines(context, "labels", labels);
  std::vector<std::string> layers;
  for (const domain::ImageLayer& layer : image.facts.layers)
    layers.push_back(fmt::format("sha256:{}  {}", layer.digest.hex(), human_bytes(layer.bytes)));
  show_lines(context, "layers", layers);
  show_lines(context, "notes", image.facts.notes);
}

Status show(Context& context, Server& server, const ImageOptions& options) {
  if (const auto ref = domain::parse_image_ref(options.ref); !ref) return usage_error(ref.error().message);
  const Result<json::value> answer = server.get("/ebb/v1/images/" + url_encode(options.ref));
  if (!answer) return fail(answer.error());
  if (options.as_json) {
    context.out.line(json::serialize(*answer));
    return {};
  }
  const Result<domain::Image> image = wire::image_from_json(*answer);
  if (!image) return fail(image.error().with_context("the server's answer makes no sense to this version of ebb"));
  show_image(context, *image);
  return {};
}

Status add(Context& context, Server& server, const ImageOptions& options) {
  const Result<domain::Image> image = add_image_from(context, server, options.name, options.source);
  if (!image) return fail(image.error());
  if (options.as_json) {
    context.out.line(json::serialize(wire::to_json(*image)));
    return {};
  }
  context.out.line(describe(*image));
  for (const std::string& note : image->facts.notes)
    context.err.line("note: " + printable(note));
  return {};
}

Status remove(Context& context, Server& server, const ImageOptions& options) {
  if (const auto ref = domain::parse_image_ref(options.ref); !ref) return usage_error(ref.error().message);
  const Result<json::value> answer = server.remove("/ebb/v1/images/" + url_encode(options.ref));
  if (!answer) return fail(answer.error());
  context.out.line(options.ref + " is removed");
  return {};
}

using Action = Status (*)(Context&, Server&, const ImageOptions&);

void set_action(CLI::App* command, Context& context, const std::shared_ptr<ImageOptions>& options, Action action) {
  command->callback([&context, options, action] {
    context.action = [&context, options, action] { return run_client(context, [&](Server& server, Interrupt&) { return action(context, server, *options); }); };
  });
}

}  // namespace

bool is_image_source(const std::string& text) {
  return text.find('/') != std::string::npos || (!domain::parse_image_ref(text) && exists(text)) || (text.ends_with(".tar") && exists(text));
}

Result<domain::Image> add_image_from(Context& context, Server& server, const std::string& name, const std::string& source) {
  if (!domain::is_name(name)) return usage_error(fmt::format("'{}' is no name for an image: {}", name.substr(0, 80), domain::kNameRule));
  const Result<std::string> from = source_of(source);
  if (!from) return fail(from.error());
  ProgressBar bar(context.err);
  Result<domain::Image> outcome = fail(ErrorKind::kIo, "the server ended before the image was added: `ebb image ls` shows what there is");
  const wire::AddImage request{.name = name, .source = *from};
  HttpRequest post{.method = "POST", .path = "/ebb/v1/images", .body = json::serialize(wire::to_json(request)), .time_max = milliseconds(0)};
  const auto response = server.stream(std::move(post), [&](std::string_view line) {
    const Result<json::value> value = parse_json(line);
    const json::object* const object = value ? value->if_object() : nullptr;
    if (object == nullptr) return true;
    if (const json::value* image = object->if_contains("image")) outcome = wire::image_from_json(*image);
    if (object->contains("error")) outcome = fail(error_of({.status = 200, .body = std::string(line)}));
    if (const Result<wire::ModelProgress> progress = wire::model_progress_from_json(*value))
      bar.update(printable(progress->phase), progress->done_bytes, progress->total_bytes, context.clock.mono());
    return true;
  });
  bar.clear();
  if (!response) return fail(response.error());
  return outcome;
}

std::string describe(const domain::Image& image) {
  return fmt::format("{}@{}: {}, {} layer{}, {}, {} unpacked", image.name, image.version, printable(image.facts.os + "/" + image.facts.architecture),
                     image.facts.layers.size(), image.facts.layers.size() == 1 ? "" : "s", human_bytes(layer_bytes(image)),
                     human_bytes(image.facts.unpacked_bytes));
}

void add_image(CLI::App& app, Context& context) {
  CLI::App* const group = plain_command(app, "image",
                                        {.summary = "Add, list, show and remove container images.",
                                         .details = "",
                                         .example = "  ebb image add resize ./resize.oci.tar\n  ebb image add resize registry.example.com/team/resize:1.4"});
  group->require_subcommand(1);
  // Shared with the callbacks, which the app keeps.
  const auto options = std::make_shared<ImageOptions>();

  CLI::App* const adding = client_command(
      *group, context, "add",
      {.summary = "Fetch, check and unpack an image.",
       .details =
           "From a Docker or OCI archive, an OCI layout's folder (both with :NAME behind them where there are several images), or a registry. A name that\n"
           "exists gets a new version; the same content is stored once. Needs skopeo and umoci on the server's machine.",
       .example = "  ebb image add resize ./resize.oci.tar\n  ebb image add resize ./layout:v2\n  ebb image add resize registry.example.com/team/resize:1.4"});
  adding->add_option("name", options->name, "The image's name")->type_name("NAME")->required();
  adding->add_option("source", options->source, "An archive, a folder, or HOST/NAME:TAG")->type_name("PATH|REFERENCE")->required();
  adding->add_flag("--json", options->as_json, "Print the image as JSON");
  set_action(adding, context, options, add);

  CLI::App* const listing = client_command(*group, context, "ls", {.summary = "List images and their versions.", .details = "", .example = "  ebb image ls"});
  listing->add_flag("--json", options->as_json, "Print the server's answer as JSON");
  set_action(listing, context, options, list_images);

  CLI::App* const showing = client_command(*group, context, "show",
                                           {.summary = "Show what an image says of itself.",
                                            .details = "NAME means its newest version, NAME@VERSION that one.",
                                            .example = "  ebb image show resize@1"});
  showing->add_option("image", options->ref, "Which image")->type_name("IMAGE")->required();
  showing->add_flag("--json", options->as_json, "Print the server's answer as JSON");
  set_action(showing, context, options, show);

  CLI::App* const removing = client_command(*group, context, "rm",
                                            {.summary = "Remove an image that no endpoint uses.",
                                             .details = "NAME means all its versions, NAME@VERSION that one.",
                                             .example = "  ebb image rm resize@1"});
  removing->add_option("image", options->ref, "Which image")->type_name("IMAGE")->required();
  set_action(removing, context, options, remove);
}

}  // namespace ebb::cli
