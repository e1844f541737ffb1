// From index.json down. Every document is hashed before it is parsed.
#include "registry/image_layout.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "base/fd.h"
#include "domain/image_json.h"
#include "domain/limits.h"
#include "registry/files.h"
#include "registry/layer_check.h"
#include "registry/sha256.h"

namespace ebb::registry {

namespace {

constexpr int kIndexDepthMax = 3;
constexpr std::string_view kManifestType = "application/vnd.oci.image.manifest.v1+json";

auto wrong(std::string why) { return fail(ErrorKind::kInvalid, std::move(why), "source"); }
auto corrupt(std::string why) { return fail(ErrorKind::kCorrupt, std::move(why), "source"); }

std::string blob_path(const domain::Digest& digest) { return "blobs/sha256/" + digest.hex(); }

// The folder itself may be reached by links; what is read are plain files.
Result<Fd> open_file(int folder, const std::string& path) {
  Fd file(::openat(folder, path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!file) return fail(errno_error(fmt::format("cannot read {} of the image", path), errno));
  const Result<struct stat> info = look_at(file.get());
  if (!info) return fail(info.error());
  if (!S_ISREG(info->st_mode)) return wrong(fmt::format("{} of the image is no plain file", path));
  return file;
}

Result<std::string> read_text(int folder, const std::string& path) {
  const Result<Fd> file = open_file(folder, path);
  if (!file) return fail(file.error());
  Result<std::string> text = read_small(file->get(), domain::kImageManifestBytesMax);
  if (!text) return fail(text.error().with_context(fmt::format("{} of the image", path)));
  return text;
}

Result<std::string> read_document(int layout, const Descriptor& descriptor) {
  Result<std::string> text = read_text(layout, blob_path(descriptor.digest));
  if (!text && text.error().kind == ErrorKind::kNotFound) return corrupt(fmt::format("the image lacks its blob sha256:{}", descriptor.digest.hex()));
  if (!text) return text;
  if (text->size() != descriptor.bytes || sha256_of(*text) != descriptor.digest)
    return corrupt(fmt::format("the image's blob sha256:{} is not what its digest says: it was damaged or exchanged", descriptor.digest.hex()));
  return text;
}

uint64_t bytes_of(const Manifest& manifest, const Descriptor& own) {
  uint64_t sum = own.bytes + manifest.config.bytes;
  for (const Descriptor& layer : manifest.layers)
    sum += layer.bytes;
  return sum;
}

Status write_text(int folder, const char* name, const std::string& text) {
  const Fd file(::openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return fail(errno_error("cannot write to the staging folder", errno));
  return {};
}

Status write_index(int folder, const Descriptor& manifest) {
  json::object entry{{"mediaType", manifest.media_type}, {"digest", "sha256:" + manifest.digest.hex()}, {"size", manifest.bytes}};
  entry["annotations"] = json::object{{"org.opencontainers.image.ref.name", "image"}};
  json::array entries;
  entries.push_back(std::move(entry));
  const json::object index{{"schemaVersion", 2}, {"manifests", std::move(entries)}};
  if (Status written = write_text(folder, "oci-layout", R"({"imageLayoutVersion":"1.0.0"})"); !written) return written;
  return write_text(folder, "index.json", json::serialize(index));
}

Status check_layers(int layout, const Manifest& manifest, const ImageDocument& document, CheckedImage& into,
                    const std::function<void(uint64_t, uint64_t)>& progress) {
  uint64_t total = 0;
  for (const Descriptor& layer : manifest.layers)
    total += layer.bytes;
  uint64_t before = 0;
  progress(0, total);
  for (size_t i = 0; i < manifest.layers.size(); ++i) {
    const domain::ImageLayer layer{.digest = manifest.layers[i].digest, .bytes = manifest.layers[i].bytes};
    const Result<Fd> blob = open_file(layout, blob_path(layer.digest));
    if (!blob && blob.error().kind == ErrorKind::kNotFound)
      return wrong(fmt::format("the image's layer sha256:{} is not in it but kept elsewhere (a foreign layer), which is not fetched", layer.digest.hex()));
    if (!blob) return fail(blob.error());
    const auto passed = [&](uint64_t bytes) { progress(before + bytes, total); };
    if (Status sound = check_layer(blob->get(), layer, document.diff_ids[i], into.tally, passed); !sound) return sound;
    before += layer.bytes;
    into.facts.layers.push_back(layer);
  }
  progress(total, total);
  return {};
}

}  // namespace

Result<uint64_t> narrow_layout(int from, int into, const std::string& name, const Platform& wanted) {
  const Result<std::string> text = read_text(from, "index.json");
  if (!text && text.error().kind == ErrorKind::kNotFound) return wrong("the folder is no OCI layout: it has no index.json");
  if (!text) return fail(text.error());
  Result<std::vector<Descriptor>> index = parse_index(*text);
  std::string by_name = name;
  for (int depth = 0; depth < kIndexDepthMax; ++depth) {
    if (!index) return fail(index.error());
    const Result<Descriptor> chosen = choose(*index, std::exchange(by_name, {}), wanted);
    if (!chosen) return fail(chosen.error());
    const Result<std::string> document = read_document(from, *chosen);
    if (!document) return fail(document.error());
    if (is_index_type(chosen->media_type)) {
      index = parse_index(*document);
      continue;
    }
    if (!is_manifest_type(chosen->media_type)) return wrong(fmt::format("what the index names is no image but '{}'", chosen->media_type.substr(0, 128)));
    const Result<Manifest> manifest = parse_manifest(*document);
    if (!manifest) return fail(manifest.error());
    if (Status written = write_index(into, *chosen); !written) return fail(written.error());
    return bytes_of(*manifest, *chosen);
  }
  return wrong(fmt::format("the image's indexes are nested more than {} deep", kIndexDepthMax));
}

Result<RegistryAnswer> read_registry_answer(std::string_view text, const Platform& wanted) {
  const Result<json::value> value = parse_json(text);
  const json::object* const object = value ? value->if_object() : nullptr;
  if (object == nullptr) return wrong("the registry answered with something that is no manifest");
  if (object->contains("manifests")) {
    const Result<std::vector<Descriptor>> index = parse_index(text);
    if (!index) return fail(index.error());
    const Result<Descriptor> chosen = choose(*index, "", wanted);
    if (!chosen) return fail(chosen.error());
    return RegistryAnswer{.digest = chosen->digest, .is_index = true};
  }
  const Result<Manifest> manifest = parse_manifest(text);
  if (!manifest) return fail(manifest.error());
  const domain::Digest digest = sha256_of(text);
  RegistryAnswer answer{.digest = digest, .bytes = bytes_of(*manifest, {.media_type = {}, .digest = digest, .bytes = text.size()})};
  for (const Descriptor& layer : manifest->layers)
    answer.layers.push_back({.digest = layer.digest, .bytes = layer.bytes});
  return answer;
}

Result<CheckedImage> check_layout(int layout, const Platform& wanted, const std::function<void(uint64_t, uint64_t)>& progress) {
  const Result<std::string> text = read_text(layout, "index.json");
  if (!text) return fail(text.error());
  const Result<std::vector<Descriptor>> index = parse_index(*text);
  if (!index) return fail(index.error());
  const Result<Descriptor> own = choose(*index, "", wanted);
  if (!own) return fail(own.error());
  if (own->media_type != kManifestType) return wrong("what came is no OCI manifest");
  const Result<std::string> manifest_text = read_document(layout, *own);
  if (!manifest_text) return fail(manifest_text.error());
  const Result<Manifest> manifest = parse_manifest(*manifest_text);
  if (!manifest) return fail(manifest.error());
  const Result<std::string> config_text = read_document(layout, manifest->config);
  if (!config_text) return fail(config_text.error());
  Result<ImageDocument> document = parse_image_document(*config_text);
  if (!document) return fail(document.error());
  if (Status fits = check_platform(document->platform, wanted); !fits) return fail(fits.error());
  if (document->diff_ids.size() != manifest->layers.size())
    return corrupt(fmt::format("the image has {} layers and {} in its configuration", manifest->layers.size(), document->diff_ids.size()));
  CheckedImage image{.manifest = own->digest, .facts = {}, .tally = {}};
  image.facts.architecture = document->platform.architecture;
  image.facts.os = document->platform.os;
  image.facts.config = std::move(document->config);
  image.facts.config_digest = manifest->config.digest;
  image.facts.notes = std::move(document->notes);
  if (Status sound = check_layers(layout, *manifest, *document, image, progress); !sound) return fail(sound.error());
  return image;
}

json::value to_json(const RegistryAnswer& answer) {
  json::array layers;
  for (const domain::ImageLayer& layer : answer.layers)
    layers.push_back({{"sha256", layer.digest.hex()}, {"bytes", layer.bytes}});
  return {{"sha256", answer.digest.hex()}, {"is_index", answer.is_index}, {"bytes", answer.bytes}, {"layers", std::move(layers)}};
}

namespace {

uint64_t count(ObjectReader& reader, std::string_view key) {
  return static_cast<uint64_t>(reader.integer(key, 0, std::numeric_limits<int64_t>::max()).value_or(0));
}
domain::Digest digest_of(ObjectReader& reader) {
  const Result<domain::Digest> digest = domain::parse_digest(reader.required_string("sha256"));
  if (!digest) reader.add_error("sha256", digest.error().message);
  return digest.value_or(domain::Digest{});
}

}  // namespace

Result<RegistryAnswer> registry_answer_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  RegistryAnswer answer{.digest = digest_of(reader), .is_index = reader.boolean("is_index").value_or(false), .bytes = count(reader, "bytes")};
  const json::array* layers = reader.array("layers");
  for (size_t i = 0; layers != nullptr && i < std::min(layers->size(), domain::kImageLayersMax); ++i) {
    ObjectReader one((*layers)[i], "layers");
    answer.layers.push_back({.digest = digest_of(one), .bytes = count(one, "bytes")});
    if (!one.ok()) reader.adopt(one.error());
  }
  if (!reader.ok()) return fail(reader.error());
  return answer;
}

json::value to_json(const CheckedImage& image) {
  return {{"sha256", image.manifest.hex()}, {"facts", domain::to_json(image.facts)}, {"entries", image.tally.entries}, {"bytes", image.tally.bytes},
          {"nodes", image.tally.nodes},     {"high_ids", image.tally.high_ids}};
}

Result<CheckedImage> checked_image_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  CheckedImage image{.manifest = digest_of(reader), .facts = {}, .tally = {}};
  image.tally = {.entries = count(reader, "entries"), .bytes = count(reader, "bytes"), .nodes = count(reader, "nodes"), .high_ids = count(reader, "high_ids")};
  const json::value* facts = reader.find("facts");
  Result<domain::ImageFacts> read = domain::image_facts_from_json(facts != nullptr ? *facts : json::value(nullptr), "facts");
  if (!read) return fail(read.error());
  image.facts = std::move(*read);
  if (!reader.ok()) return fail(reader.error());
  return image;
}

}  // namespace ebb::registry
