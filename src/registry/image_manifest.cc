// One reader for each document.
#include "registry/image_manifest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/json.h"
#include "domain/limits.h"

namespace ebb::registry {

namespace {

constexpr std::string_view kRefName = "org.opencontainers.image.ref.name";
// What a manifest's list may have beside layers of files is not for us: signatures, encrypted layers, other artifacts.
constexpr std::array<std::string_view, 7> kLayerTypes = {"application/vnd.oci.image.layer.v1.tar",
                                                         "application/vnd.oci.image.layer.v1.tar+gzip",
                                                         "application/vnd.oci.image.layer.v1.tar+zstd",
                                                         "application/vnd.docker.image.rootfs.diff.tar.gzip",
                                                         "application/vnd.docker.image.rootfs.diff.tar",
                                                         "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
                                                         "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"};
constexpr std::array<std::string_view, 2> kConfigTypes = {"application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"};

auto wrong(std::string why) { return fail(ErrorKind::kInvalid, std::move(why), "source"); }
auto wrong(std::string_view what, const Error& error) { return wrong(fmt::format("the image's {} cannot be used: {}", what, error.message)); }

Result<Descriptor> read_descriptor(const json::value& value, const std::string& path) {
  ObjectReader reader(value, path);
  Descriptor out;
  out.media_type = reader.string("mediaType").value_or("");
  const std::string digest = reader.required_string("digest");
  const Result<domain::Digest> parsed = domain::parse_digest(digest);
  if (parsed) out.digest = *parsed;
  // As the specification writes it, since tools make file names of it.
  if (reader.ok() && (!parsed || digest != "sha256:" + parsed->hex()))
    reader.add_error("digest", fmt::format("'{}' is no sha256 digest", digest.substr(0, 80)));
  if (!reader.has("size")) reader.add_error("size", "'size' is required");
  out.bytes = static_cast<uint64_t>(reader.integer("size", 0, static_cast<int64_t>(domain::kImageBytesMax)).value_or(0));
  if (const json::value* platform = reader.find("platform")) {
    ObjectReader inner(*platform, reader.path_of("platform"));
    out.platform = Platform{.os = inner.string("os").value_or(""), .architecture = inner.string("architecture").value_or("")};
    if (!inner.ok()) reader.adopt(inner.error());
  }
  if (const json::value* annotations = reader.find("annotations")) {
    ObjectReader inner(*annotations, reader.path_of("annotations"));
    out.name = inner.string(kRefName).value_or("");
    if (!inner.ok()) reader.adopt(inner.error());
  }
  if (!reader.ok()) return fail(reader.error());
  return out;
}

Status check_version(ObjectReader& reader, std::string_view what) {
  if (reader.integer("schemaVersion", 0, 1000).value_or(0) == 2) return {};
  return wrong(fmt::format("the image's {} is not of schema version 2: save the image anew with a current tool", what));
}

std::vector<std::string> texts(ObjectReader& reader, std::string_view key) {
  std::vector<std::string> out;
  const json::array* array = reader.array(key);
  if (array == nullptr) return out;
  if (array->size() > domain::kImageConfigStringsMax) reader.add_error(key, fmt::format("'{}' has more than {} elements", key, domain::kImageConfigStringsMax));
  for (const json::value& element : *array) {
    if (!element.is_string()) reader.add_error(key, fmt::format("'{}' must have strings only", key));
    if (!reader.ok()) return out;
    out.emplace_back(element.get_string());
    // The kernel ends an argument there: what is run would not be what is shown.
    if (out.back().find('\0') != std::string::npos) reader.add_error(key, fmt::format("'{}' has a NUL character", key));
  }
  return out;
}

size_t bytes_of(const std::vector<std::string>& list) {
  size_t sum = 0;
  for (const std::string& text : list)
    sum += text.size() + 1;
  return sum;
}

void read_labels(ObjectReader& reader, ImageDocument& into) {
  const json::object* labels = reader.object("Labels");
  if (labels == nullptr) return;
  size_t bytes = 0;
  size_t left_out = 0;
  for (const auto& [name, value] : *labels) {
    if (!value.is_string()) {
      reader.add_error("Labels", "'Labels' must have strings only");
      return;
    }
    bytes += name.size() + value.get_string().size();
    if (bytes > domain::kImageLabelBytesMax) {
      ++left_out;
    } else {
      into.config.labels.emplace_back(name, value.get_string());
    }
  }
  std::ranges::sort(into.config.labels);
  if (left_out > 0)
    into.notes.push_back(fmt::format("{} of its labels are not shown: together they are longer than {} bytes", left_out, domain::kImageLabelBytesMax));
}

Status check_config(const domain::ImageConfig& config) {
  const size_t bytes = bytes_of(config.entrypoint) + bytes_of(config.cmd) + bytes_of(config.env) + config.workdir.size() + config.user.size() +
                       bytes_of(config.exposed_ports) + config.stop_signal.size();
  if (bytes > domain::kImageConfigBytesMax)
    return wrong(fmt::format("the image's entrypoint, command and variables are longer than {} bytes together", domain::kImageConfigBytesMax));
  for (const std::string& variable : config.env) {
    const size_t equals = variable.find('=');
    if (equals == 0 || equals == std::string::npos) return wrong(fmt::format("the image sets '{}', which is no variable: KEY=value", variable.substr(0, 80)));
  }
  for (const std::string* text : {&config.workdir, &config.user, &config.stop_signal}) {
    if (text->find('\0') != std::string::npos) return wrong("the image's configuration has a NUL character");
  }
  return {};
}

void read_config(const json::value& value, ObjectReader& parent, ImageDocument& into) {
  ObjectReader reader(value, parent.path_of("config"));
  into.config.entrypoint = texts(reader, "Entrypoint");
  into.config.cmd = texts(reader, "Cmd");
  into.config.env = texts(reader, "Env");
  into.config.workdir = reader.string("WorkingDir").value_or("");
  into.config.user = reader.string("User").value_or("");
  into.config.stop_signal = reader.string("StopSignal").value_or("");
  if (const json::object* ports = reader.object("ExposedPorts")) {
    if (ports->size() > domain::kImageConfigStringsMax) reader.add_error("ExposedPorts", "'ExposedPorts' has too many elements");
    for (const auto& [port, nothing] : *ports)
      into.config.exposed_ports.emplace_back(port);
    std::ranges::sort(into.config.exposed_ports);
  }
  read_labels(reader, into);
  if (!reader.ok()) parent.adopt(reader.error());
}

// A container's program stays below its root whatever this says; but then it would not be where the image's author meant.
std::string as_absolute(const std::string& workdir) { return workdir.empty() || workdir.starts_with('/') ? workdir : "/" + workdir; }

std::string names_of(const std::vector<Descriptor>& entries) {
  std::vector<std::string> names;
  for (const Descriptor& entry : entries) {
    if (names.size() < 16) names.push_back(entry.name.empty() ? "(no name)" : entry.name.substr(0, 128));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

std::string platforms_of(const std::vector<Descriptor>& entries) {
  std::vector<std::string> names;
  for (const Descriptor& entry : entries) {
    if (entry.platform && names.size() < 16) names.push_back(to_string(*entry.platform).substr(0, 80));
  }
  return fmt::format("{}", fmt::join(names, ", "));
}

bool is_for_nobody(const Descriptor& entry) { return entry.platform && (entry.platform->os == "unknown" || entry.platform->architecture == "unknown"); }

}  // namespace

std::string to_string(const Platform& platform) { return platform.os + "/" + platform.architecture; }

Platform this_platform() {
  utsname machine{};
  ::uname(&machine);
  const std::string_view name = machine.machine;
  constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kNames = {
      {{"x86_64", "amd64"}, {"aarch64", "arm64"}, {"armv7l", "arm"}, {"i686", "386"}, {"ppc64le", "ppc64le"}}};
  const auto* const known = std::ranges::find(kNames, name, &std::pair<std::string_view, std::string_view>::first);
  return {.os = "linux", .architecture = std::string(known == kNames.end() ? name : known->second)};
}

bool is_index_type(std::string_view media_type) {
  return media_type == "application/vnd.oci.image.index.v1+json" || media_type == "application/vnd.docker.distribution.manifest.list.v2+json";
}
bool is_manifest_type(std::string_view media_type) {
  return media_type == "application/vnd.oci.image.manifest.v1+json" || media_type == "application/vnd.docker.distribution.manifest.v2+json";
}

Result<std::vector<Descriptor>> parse_index(std::string_view text) {
  const Result<json::value> value = parse_json(text);
  if (!value) return wrong("index", value.error());
  ObjectReader reader(*value, "");
  if (Status known = check_version(reader, "index"); !known) return fail(known.error());
  const json::array* entries = reader.array("manifests");
  if (!reader.ok()) return wrong("index", reader.error());
  if (entries == nullptr) return wrong("the image's index lists no manifests");
  if (entries->size() > domain::kImageIndexEntriesMax) return wrong(fmt::format("the image's index has more than {} entries", domain::kImageIndexEntriesMax));
  std::vector<Descriptor> out;
  for (const json::value& entry : *entries) {
    Result<Descriptor> one = read_descriptor(entry, "manifests");
    if (!one) return wrong("index", one.error());
    out.push_back(std::move(*one));
  }
  return out;
}

Result<Descriptor> choose(const std::vector<Descriptor>& index, const std::string& name, const Platform& wanted) {
  std::vector<Descriptor> entries = index;
  std::erase_if(entries, is_for_nobody);
  if (!name.empty()) {
    std::erase_if(entries, [&](const Descriptor& entry) { return entry.name != name; });
    if (entries.empty()) return wrong(fmt::format("there is no image '{}' in it; there is {}", name, names_of(index)));
  }
  if (entries.empty()) return wrong("there is no image in it");
  std::vector<Descriptor> fitting = entries;
  std::erase_if(fitting, [&](const Descriptor& entry) { return entry.platform && *entry.platform != wanted; });
  if (fitting.empty()) return wrong(fmt::format("the image is for {}; this machine is {}", platforms_of(entries), to_string(wanted)));
  // Of variants the first: the index has them in the order of preference.
  const bool same_name = std::ranges::all_of(fitting, [&](const Descriptor& entry) { return entry.name == fitting.front().name; });
  const bool by_platform = std::ranges::all_of(fitting, [](const Descriptor& entry) { return entry.platform.has_value(); });
  if (fitting.size() > 1 && !(same_name && by_platform))
    return wrong(fmt::format("there are several images in it: put :NAME behind it, one of {}", names_of(entries)));
  return fitting.front();
}

Result<Manifest> parse_manifest(std::string_view text) {
  const Result<json::value> value = parse_json(text);
  if (!value) return wrong("manifest", value.error());
  ObjectReader reader(*value, "");
  if (Status known = check_version(reader, "manifest"); !known) return fail(known.error());
  const json::value* config = reader.find("config");
  const json::array* layers = reader.array("layers");
  if (!reader.ok()) return wrong("manifest", reader.error());
  if (config == nullptr || layers == nullptr) return wrong("the image's manifest has no config or no layers");
  if (layers->size() > domain::kImageLayersMax)
    return wrong(fmt::format("the image has {} layers; at most {} are unpacked", layers->size(), domain::kImageLayersMax));
  Manifest out;
  Result<Descriptor> read = read_descriptor(*config, "config");
  if (!read) return wrong("manifest", read.error());
  out.config = std::move(*read);
  if (std::ranges::find(kConfigTypes, out.config.media_type) == kConfigTypes.end())
    return wrong(fmt::format("it is not a container image: its configuration is '{}'", out.config.media_type.substr(0, 128)));
  uint64_t bytes = 0;
  for (const json::value& layer : *layers) {
    Result<Descriptor> one = read_descriptor(layer, "layers");
    if (!one) return wrong("manifest", one.error());
    if (std::ranges::find(kLayerTypes, one->media_type) == kLayerTypes.end())
      return wrong(fmt::format("a layer of the image is '{}', which is not unpacked here", one->media_type.substr(0, 128)));
    bytes += one->bytes;
    if (bytes > domain::kImageBytesMax)
      return fail(ErrorKind::kTooLarge, fmt::format("the image has more than {} GiB", domain::kImageBytesMax >> 30U), "source");
    out.layers.push_back(std::move(*one));
  }
  return out;
}

Result<ImageDocument> parse_image_document(std::string_view text) {
  const Result<json::value> value = parse_json(text);
  if (!value) return wrong("configuration", value.error());
  ObjectReader reader(*value, "");
  ImageDocument out;
  out.platform = {.os = reader.required_string("os"), .architecture = reader.required_string("architecture")};
  if (const json::value* config = reader.find("config")) read_config(*config, reader, out);
  out.config.workdir = as_absolute(out.config.workdir);
  const json::value* rootfs = reader.find("rootfs");
  if (!reader.ok()) return wrong("configuration", reader.error());
  if (rootfs == nullptr) return wrong("the image's configuration has no rootfs");
  ObjectReader inner(*rootfs, "rootfs");
  for (const std::string& digest : texts(inner, "diff_ids")) {
    const Result<domain::Digest> parsed = domain::parse_digest(digest);
    if (!parsed || !digest.starts_with("sha256:")) return wrong("the image's configuration has a diff_id that is no sha256 digest");
    out.diff_ids.push_back(*parsed);
  }
  if (!inner.ok()) return wrong("configuration", inner.error());
  if (Status sound = check_config(out.config); !sound) return fail(sound.error());
  return out;
}

Status check_platform(const Platform& image, const Platform& here) {
  if (image == here) return {};
  return wrong(fmt::format("the image is for {}; this machine is {}", to_string(image).substr(0, 128), to_string(here)));
}

}  // namespace ebb::registry
