// The closed schema of manifests, by task.
#include "wire/manifest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "domain/limits.h"
#include "wire/package.h"
#include "wire/spec.h"

namespace ebb::wire {

namespace {

using domain::Task;

template <class T, size_t N>
using Words = std::array<std::pair<std::string_view, T>, N>;

constexpr Words<Task, 4> kTasks{{{"tensors", Task::kTensors},
                                 {"embedding", Task::kEmbedding},
                                 {"text-classification", Task::kTextClassification},
                                 {"image-classification", Task::kImageClassification}}};
constexpr Words<Pooling, 3> kPoolings{{{"mean", Pooling::kMean}, {"cls", Pooling::kCls}, {"none", Pooling::kNone}}};
constexpr Words<Layout, 2> kLayouts{{{"NCHW", Layout::kNchw}, {"NHWC", Layout::kNhwc}}};
constexpr Words<Color, 3> kColors{{{"RGB", Color::kRgb}, {"BGR", Color::kBgr}, {"GRAY", Color::kGray}}};
constexpr Words<Resize, 2> kResizes{{{"stretch", Resize::kStretch}, {"fit-crop", Resize::kFitCrop}}};
constexpr Words<Scores, 3> kScores{{{"softmax", Scores::kSoftmax}, {"sigmoid", Scores::kSigmoid}, {"none", Scores::kNone}}};

constexpr size_t kSpecialTokenBytesMax = 64;
// What a byte of a picture is multiplied with, subtracted and divided by, at most.
constexpr double kImageNumberMax = 1e6;

bool is_text(Task task) { return task == Task::kEmbedding || task == Task::kTextClassification; }
bool is_classification(Task task) { return task == Task::kTextClassification || task == Task::kImageClassification; }
bool belongs(std::string_view field, Task task) {
  if (field == "task") return true;
  if (field == "output") return task != Task::kTensors;
  if (field == "tokenizer" || field == "inputs") return is_text(task);
  if (field == "pooling" || field == "normalize") return task == Task::kEmbedding;
  if (field == "labels" || field == "scores") return is_classification(task);
  return field == "image" && task == Task::kImageClassification;
}

template <class T, size_t N>
T read_word(ObjectReader& reader, std::string_view key, const Words<T, N>& words, T otherwise) {
  const auto text = reader.string(key);
  if (!text) return otherwise;
  for (const auto& [word, value] : words) {
    if (word == *text) return value;
  }
  std::vector<std::string_view> known;
  for (const auto& entry : words)
    known.push_back(entry.first);
  reader.add_error(key, fmt::format("'{}' must be one of {}, not '{}'", reader.path_of(key), fmt::join(known, ", "), text->substr(0, 80)));
  return otherwise;
}

template <class T, size_t N>
std::string_view word_of(const Words<T, N>& words, T value) {
  return std::ranges::find(words, value, [](const auto& entry) { return entry.second; })->first;
}

void read_file_name(ObjectReader& reader, std::string_view key, std::string& name) {
  name = reader.string(key).value_or(name);
  if (!is_package_name(name))
    reader.add_error(key, fmt::format("'{}' must name a file beside the model, by A-Z a-z 0-9 . _ - and /, not '{}'", reader.path_of(key), name.substr(0, 80)));
}

void read_tensor_name(ObjectReader& reader, std::string_view key, std::string& name) {
  name = reader.string(key).value_or(name);
  if (name.empty() || name.size() > domain::kTensorNameBytesMax)
    reader.add_error(key, fmt::format("'{}' must have 1 to {} bytes", reader.path_of(key), domain::kTensorNameBytesMax));
}

void read_special(ObjectReader& reader, std::string_view key, std::string& token) {
  token = reader.string(key).value_or(token);
  if (token.empty() || token.size() > kSpecialTokenBytesMax || token.find('\n') != std::string::npos)
    reader.add_error(key, fmt::format("'{}' must be one token of 1 to {} bytes", reader.path_of(key), kSpecialTokenBytesMax));
}

Tokenizer read_tokenizer(ObjectReader& parent) {
  Tokenizer tokenizer;
  if (parent.object("tokenizer") == nullptr) {
    parent.add_error("tokenizer", "'tokenizer' is required for this task, such as {vocabulary: vocab.txt}");
    return tokenizer;
  }
  ObjectReader reader(*parent.find("tokenizer"), "tokenizer");
  reader.refuse_unknown({"kind", "vocabulary", "lowercase", "max_tokens", "cls", "sep", "unknown", "pad"});
  if (const auto kind = reader.string("kind"); kind && *kind != "wordpiece")
    reader.add_error("kind", fmt::format("'tokenizer.kind' must be wordpiece, not '{}'", kind->substr(0, 80)));
  read_file_name(reader, "vocabulary", tokenizer.vocabulary);
  tokenizer.lowercase = reader.boolean("lowercase").value_or(tokenizer.lowercase);
  tokenizer.max_tokens = reader.integer("max_tokens", 3, domain::kTokenizerTokensMax).value_or(tokenizer.max_tokens);
  read_special(reader, "cls", tokenizer.cls);
  read_special(reader, "sep", tokenizer.sep);
  read_special(reader, "unknown", tokenizer.unknown);
  read_special(reader, "pad", tokenizer.pad);
  if (!reader.ok()) parent.adopt(reader.error());
  return tokenizer;
}

TextInputs read_inputs(ObjectReader& parent) {
  TextInputs inputs;
  const json::object* object = parent.object("inputs");
  if (object == nullptr) return inputs;
  ObjectReader reader(*parent.find("inputs"), "inputs");
  reader.refuse_unknown({"tokens", "mask", "types"});
  read_tensor_name(reader, "tokens", inputs.tokens);
  for (const auto& [key, name] : {std::pair{"mask", &inputs.mask}, {"types", &inputs.types}}) {
    const json::value* value = object->if_contains(key);
    if (value != nullptr && value->is_null()) {
      name->clear();
    } else {
      read_tensor_name(reader, key, *name);
    }
  }
  if (!reader.ok()) parent.adopt(reader.error());
  return inputs;
}

std::vector<double> read_channels(ObjectReader& reader, std::string_view key, int64_t channels, double otherwise) {
  const json::array* array = reader.array(key);
  if (array == nullptr) return std::vector<double>(static_cast<size_t>(channels), otherwise);
  std::vector<double> values;
  for (const json::value& element : *array) {
    json::error_code error;
    const auto value = element.to_number<double>(error);
    if (error || !std::isfinite(value) || std::abs(value) > kImageNumberMax) break;
    values.push_back(value);
  }
  if (values.size() != array->size() || values.size() != static_cast<size_t>(channels))
    reader.add_error(key, fmt::format("'{}' must have {} numbers, one for each channel", reader.path_of(key), channels));
  return values;
}

ImageInput read_image(ObjectReader& parent) {
  ImageInput image;
  if (parent.object("image") == nullptr) {
    parent.add_error("image", "'image' is required for this task: {input: …, width: …, height: …}");
    return image;
  }
  ObjectReader reader(*parent.find("image"), "image");
  reader.refuse_unknown({"input", "width", "height", "channels", "layout", "color", "resize", "scale", "mean", "std"});
  read_tensor_name(reader, "input", image.input);
  image.width = reader.integer("width", 1, domain::kImageSideMax).value_or(image.width);
  image.height = reader.integer("height", 1, domain::kImageSideMax).value_or(image.height);
  image.channels = reader.integer("channels", 1, 3).value_or(image.channels);
  image.layout = read_word(reader, "layout", kLayouts, image.layout);
  image.color = read_word(reader, "color", kColors, image.channels == 1 ? Color::kGray : Color::kRgb);
  image.resize = read_word(reader, "resize", kResizes, image.resize);
  if ((image.channels == 1) != (image.color == Color::kGray) || image.channels == 2)
    reader.add_error("channels", fmt::format("'image.channels' is {}: there are 3 of RGB and BGR, and 1 of GRAY", image.channels));
  image.scale = reader.number("scale", -kImageNumberMax, kImageNumberMax).value_or(image.scale);
  image.mean = read_channels(reader, "mean", image.channels, 0);
  image.std = read_channels(reader, "std", image.channels, 1);
  if (std::ranges::find(image.std, 0.0) != image.std.end()) reader.add_error("std", "'image.std' has a 0, by which nothing can be divided");
  if (!reader.ok()) parent.adopt(reader.error());
  return image;
}

void refuse_foreign(ObjectReader& reader, const json::object& object, Task task) {
  for (const auto& field : object) {
    if (!belongs(field.key(), task))
      reader.add_error(field.key(), fmt::format("'{}' does not belong to the task '{}'", std::string_view(field.key()), to_string(task)));
  }
}

json::array numbers(const std::vector<double>& values) {
  json::array array;
  for (const double value : values)
    array.emplace_back(value);
  return array;
}

json::value or_null(const std::string& text) { return text.empty() ? json::value(nullptr) : json::value(text); }

}  // namespace

Result<Manifest> manifest_from_json(const json::value& value) {
  ObjectReader reader(value, "");
  if (!reader.ok()) return fail(ErrorKind::kInvalid, "a manifest must have fields, such as `task: embedding`");
  reader.refuse_unknown({"task", "tokenizer", "inputs", "output", "pooling", "normalize", "image", "labels", "scores"});
  Manifest manifest;
  manifest.task = read_word(reader, "task", kTasks, Task::kTensors);
  refuse_foreign(reader, value.get_object(), manifest.task);
  if (is_text(manifest.task)) {
    manifest.tokenizer = read_tokenizer(reader);
    manifest.inputs = read_inputs(reader);
  }
  if (manifest.task == Task::kImageClassification) manifest.image = read_image(reader);
  if (manifest.task != Task::kTensors) {
    if (!reader.has("output")) reader.add_error("output", "'output' is required: the name of the model's output that is looked at");
    read_tensor_name(reader, "output", manifest.output);
  }
  manifest.pooling = read_word(reader, "pooling", kPoolings, manifest.pooling);
  manifest.normalize = reader.boolean("normalize").value_or(manifest.normalize);
  if (is_classification(manifest.task)) {
    manifest.labels = "labels.txt";
    read_file_name(reader, "labels", manifest.labels);
  }
  manifest.scores = read_word(reader, "scores", kScores, manifest.scores);
  if (!reader.ok()) return fail(reader.error());
  return manifest;
}

Result<Manifest> parse_manifest(std::string_view text) {
  if (text.size() > domain::kManifestBytesMax)
    return fail(ErrorKind::kInvalid, fmt::format("{}: {} bytes, but at most {} are read", kManifestEntry, text.size(), domain::kManifestBytesMax));
  const Result<json::value> value = parse_json(text);
  if (!value) return fail(value.error().with_context(kManifestEntry));
  Result<Manifest> manifest = manifest_from_json(*value);
  if (!manifest) return fail(manifest.error().with_context(kManifestEntry));
  return manifest;
}

Result<Manifest> parse_manifest_yaml(std::string_view yaml) {
  const Result<YamlDocument> document = read_yaml(yaml);
  if (!document) return fail(document.error().with_context("ebb.yaml"));
  if (document->value.is_null()) return Manifest{};
  Result<Manifest> manifest = manifest_from_json(document->value);
  if (manifest) return manifest;
  const auto line = document->lines.find(manifest.error().param);
  return fail(manifest.error().with_context(line == document->lines.end() ? "ebb.yaml" : fmt::format("ebb.yaml, line {}", line->second)));
}

std::string canonical_manifest(const Manifest& manifest) {
  json::object out{{"task", to_string(manifest.task)}};
  if (is_text(manifest.task)) {
    const Tokenizer& tokenizer = *manifest.tokenizer;
    out["tokenizer"] = {{"kind", "wordpiece"},
                        {"vocabulary", tokenizer.vocabulary},
                        {"lowercase", tokenizer.lowercase},
                        {"max_tokens", tokenizer.max_tokens},
                        {"cls", tokenizer.cls},
                        {"sep", tokenizer.sep},
                        {"unknown", tokenizer.unknown},
                        {"pad", tokenizer.pad}};
    out["inputs"] = {{"tokens", manifest.inputs.tokens}, {"mask", or_null(manifest.inputs.mask)}, {"types", or_null(manifest.inputs.types)}};
  }
  if (manifest.image) {
    const ImageInput& image = *manifest.image;
    out["image"] = {{"input", image.input},
                    {"width", image.width},
                    {"height", image.height},
                    {"channels", image.channels},
                    {"layout", word_of(kLayouts, image.layout)},
                    {"color", word_of(kColors, image.color)},
                    {"resize", word_of(kResizes, image.resize)},
                    {"scale", image.scale},
                    {"mean", numbers(image.mean)},
                    {"std", numbers(image.std)}};
  }
  if (manifest.task != Task::kTensors) out["output"] = manifest.output;
  if (manifest.task == Task::kEmbedding) {
    out["pooling"] = word_of(kPoolings, manifest.pooling);
    out["normalize"] = manifest.normalize;
  }
  if (is_classification(manifest.task)) {
    out["labels"] = manifest.labels;
    out["scores"] = word_of(kScores, manifest.scores);
  }
  return json::serialize(out) + "\n";
}

std::vector<std::string> files_of(const Manifest& manifest) {
  std::vector<std::string> files;
  if (manifest.tokenizer) files.push_back(manifest.tokenizer->vocabulary);
  if (is_classification(manifest.task)) files.push_back(manifest.labels);
  return files;
}

}  // namespace ebb::wire
