// `ebb image add | ls | show | rm`.
#include "cli/image.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "cli/commands.h"
#include "cli/human.h"
#include "cli/stored.h"
#include "cli/table.h"
#include "domain/endpoint.h"
#include "wire/image_admin_json.h"

namespace ebb::cli {

namespace {

namespace fs = std::filesystem;

Status check_ref(const std::string& text) {
  const auto ref = domain::parse_image_ref(text);
  return ref ? Status() : Status(fail(ref.error()));
}

StoredKind images() { return {.one = "image", .path = "/ebb/v1/images", .check_ref = check_ref}; }

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

Status list_images(Context& context, Server& server, const StoredOptions& options) {
  const Result<json::value> answer = server.get(images().path);
  if (!answer) return fail(answer.error());
  if (options.as_json) return print_json(context, *answer);
  const auto rows = Server::rows_of<domain::Image>(*answer, "images", wire::image_from_json);
  if (!rows) return fail(rows.error());
  if (rows->empty()) {
    context.err.line("no images yet: add one with `ebb image add NAME FILE.tar`");
    return {};
  }
  using Row = domain::Image;
  const std::vector<Field<Row>> fields = {
      {{"IMAGE"}, [](const Row& image) { return Cell(fmt::format("{}@{}", image.name, image.version), Style::kBold); }},
      {{"PLATFORM"}, [](const Row& image) { return Cell(printable(image.facts.os + "/" + image.facts.architecture)); }},
      {{"LAYERS", Align::kRight}, [](const Row& image) { return Cell(fmt::format("{}", image.facts.layers.size())); }},
      {{"SIZE", Align::kRight}, [](const Row& image) { return Cell(human_bytes(layer_bytes(image))); }},
      {{"UNPACKED", Align::kRight}, [](const Row& image) { return Cell(human_bytes(image.facts.unpacked_bytes)); }},
      {{"ADDED", Align::kRight}, [now = context.clock.wall()](const Row& image) { return Cell(human_age(std::max(now - image.added, milliseconds(0)))); }},
      {{"SHA-256"}, [](const Row& image) { return Cell(image.digest.hex().substr(0, 12)); }},
      {{"SOURCE"}, [](const Row& image) { return Cell(printable(image.source)); }}};
  context.out.write(render_rows(fields, *rows, context.out));
  return {};
}

// An argument as a shell would need it, so that blanks are seen.
std::string quoted(const std::vector<std::string>& words) {
  std::vector<std::string> shown;
  for (const std::string& word : words)
    shown.push_back(word.find_first_of(" \t\n\"'\\$") == std::string::npos && !word.empty() ? word : json::serialize(json::value(word)));
  return fmt::format("{}", fmt::join(shown, " "));
}

Facts facts_of(const domain::Image& image) {
  const domain::ImageConfig& config = image.facts.config;
  Facts facts(12);
  facts.add("image", fmt::format("{}@{}", image.name, image.version));
  facts.add("source", image.source);
  facts.add("manifest", "sha256:" + image.digest.hex());
  facts.add("platform", image.facts.os + "/" + image.facts.architecture);
  facts.add("unpacked", human_bytes(image.facts.unpacked_bytes));
  facts.add("entrypoint", quoted(config.entrypoint));
  facts.add("command", quoted(config.cmd));
  facts.add_lines("env", config.env);
  facts.add("workdir", config.workdir);
  facts.add("user", config.user);
  facts.add("stop signal", config.stop_signal);
  facts.add_lines("ports", config.exposed_ports);
  std::vector<std::string> labels;
  for (const auto& [name, value] : config.labels)
    labels.push_back(fmt::format("{}={}", name, value));
  facts.add_lines("labels", labels);
  std::vector<std::string> layers;
  for (const domain::ImageLayer& layer : image.facts.layers)
    layers.push_back(fmt::format("sha256:{}  {}", layer.digest.hex(), human_bytes(layer.bytes)));
  facts.add_lines("layers", layers);
  facts.add_lines("notes", image.facts.notes);
  return facts;
}

Status show(Context& context, Server& server, const StoredOptions& options) {
  const Result<json::value> answer = get_stored(server, images(), options.ref);
  if (!answer) return fail(answer.error());
  if (options.as_json) return print_json(context, *answer);
  const Result<domain::Image> image = wire::image_from_json(*answer);
  if (!image) return fail(image.error().with_context(kNoSense));
  facts_of(*image).print(context.out);
  return {};
}

Status add(Context& context, Server& server, const StoredOptions& options) {
  const Result<domain::Image> image = add_image_from(context, server, options.name, options.source);
  if (!image) return fail(image.error());
  if (options.as_json) return print_json(context, wire::to_json(*image));
  context.out.line(describe(*image));
  for (const std::string& note : image->facts.notes)
    context.err.line("note: " + printable(note));
  return {};
}

}  // namespace

bool is_image_source(const std::string& text) {
  return text.find('/') != std::string::npos || (!domain::parse_image_ref(text) && exists(text)) || (text.ends_with(".tar") && exists(text));
}

Result<domain::Image> add_image_from(Context& context, Server& server, const std::string& name, const std::string& source) {
  if (!domain::is_name(name)) return usage_error(fmt::format("'{}' is no name for an image: {}", name.substr(0, 80), domain::kNameRule));
  const Result<std::string> from = source_of(source);
  if (!from) return fail(from.error());
  const wire::AddImage request{.name = name, .source = *from};
  const Result<json::value> added = add_stored(context, server, images(), wire::to_json(request));
  if (!added) return fail(added.error());
  return wire::image_from_json(*added);
}

std::string describe(const domain::Image& image) {
  return fmt::format("{}@{}: {}, {} layer{}, {}, {} unpacked", image.name, image.version, printable(image.facts.os + "/" + image.facts.architecture),
                     image.facts.layers.size(), image.facts.layers.size() == 1 ? "" : "s", human_bytes(layer_bytes(image)),
                     human_bytes(image.facts.unpacked_bytes));
}

void add_image(CLI::App& app, Context& context) {
  const StoredCommands commands{
      .group = {.summary = "Add, list, show and remove container images.",
                .details = "",
                .example = "  ebb image add resize ./resize.oci.tar\n  ebb image add resize registry.example.com/team/resize:1.4"},
      .add = {{.summary = "Fetch, check and unpack an image.",
               .details = "From a Docker or OCI archive, an OCI layout's folder (both with :NAME behind them where there are several images), or a registry. "
                          "A name that\n"
                          "exists gets a new version; the same content is stored once. Needs skopeo and umoci on the server's machine.",
               .example = "  ebb image add resize ./resize.oci.tar\n"
                          "  ebb image add resize ./layout:v2\n"
                          "  ebb image add resize registry.example.com/team/resize:1.4"},
              add},
      .source_type = "PATH|REFERENCE",
      .source_text = "An archive, a folder, or HOST/NAME:TAG",
      .list = {{.summary = "List images and their versions.", .details = "", .example = "  ebb image ls"}, list_images},
      .show = {{.summary = "Show what an image says of itself.",
                .details = "NAME means its newest version, NAME@VERSION that one.",
                .example = "  ebb image show resize@1"},
               show},
      .remove = {.summary = "Remove an image that no endpoint uses.",
                 .details = "NAME means all its versions, NAME@VERSION that one.",
                 .example = "  ebb image rm resize@1"}};
  add_stored_commands(app, context, images(), commands);
}

}  // namespace ebb::cli
