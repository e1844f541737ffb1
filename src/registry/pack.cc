// The manifest is known before the model is read, the files that the model names only after: so the order of a package is the order of this work.
#include "registry/pack.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "base/utf8.h"
#include "domain/limits.h"
#include "registry/onnx.h"
#include "wire/manifest.h"
#include "wire/package.h"

namespace ebb::registry {

namespace {

using Progress = std::function<void(const FetchProgress&)>;

constexpr std::string_view kUserManifest = "ebb.yaml";
constexpr size_t kChunkBytes = 2U << 20U;
// Labels of a classification: ImageNet's largest has 21,841.
constexpr size_t kLabelLinesMax = 100'000;

std::unexpected<Error> invalid(std::string message) { return fail(ErrorKind::kInvalid, std::move(message), "source"); }

Result<std::string> read_whole(const ModelFile& file, const std::string& name, size_t bytes_max) {
  if (file.bytes > bytes_max) return fail(ErrorKind::kTooLarge, fmt::format("'{}' has {} bytes; at most {} are read", name, file.bytes, bytes_max), "source");
  std::string text(file.bytes, '\0');
  for (size_t have = 0; have < text.size();) {
    const ssize_t got = ::pread(file.file.get(), text.data() + have, text.size() - have, static_cast<off_t>(file.at + have));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_error(fmt::format("cannot read '{}'", name), errno));
    if (got == 0) return invalid(fmt::format("'{}' became shorter while it was read", name));
    have += static_cast<size_t>(got);
  }
  return text;
}

// Read-only, from a page's beginning.
class Mapping {
 public:
  Mapping(int fd, uint64_t at, uint64_t bytes) : before_(at % static_cast<uint64_t>(::sysconf(_SC_PAGESIZE))), bytes_(bytes) {
    data_ = ::mmap(nullptr, before_ + bytes, PROT_READ, MAP_PRIVATE, fd, static_cast<off_t>(at - before_));
  }
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() {
    if (sound()) ::munmap(data_, before_ + bytes_);
  }
  bool sound() const { return data_ != MAP_FAILED; }
  std::span<const uint8_t> bytes() const { return {static_cast<const uint8_t*>(data_) + before_, bytes_}; }

 private:
  uint64_t before_;
  uint64_t bytes_;
  void* data_ = MAP_FAILED;
};

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

class Packer {
 public:
  Packer(const ModelFiles& files, uint64_t bytes_max, const Progress& progress, StagedFile& into)
      : files_(files), bytes_max_(bytes_max), progress_(progress), into_(into) {}

  Result<domain::ModelFacts> pack();

 private:
  Status read_manifest();
  Status read_tokenizer();
  Status write_model();
  Status check_model();
  Status open_others();
  Status write_others();
  Status check_vocabulary(std::string_view text);
  Status check_labels(std::string_view text);

  Result<ModelFile> required(const std::string& name, std::string_view who) const;
  Status write(std::string_view bytes) { return into_.write({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}); }
  Status write_text(std::string_view name, std::string_view text);
  Status write_file(std::string_view name, const ModelFile& file);
  Status make_room(uint64_t more);

  const ModelFiles& files_;
  uint64_t bytes_max_;
  const Progress& progress_;
  StagedFile& into_;
  uint64_t total_bytes_ = 0;  // of the package, as far as it is known
  wire::Manifest manifest_;
  std::string vocabulary_;  // made of a tokenizer.json; empty: the package has the file itself
  uint64_t model_at_ = 0;
  ModelFile model_;
  OnnxModel facts_;
  std::map<std::string, ModelFile> others_;
};

Result<domain::ModelFacts> Packer::pack() {
  if (Status read = read_manifest(); !read) return fail(read.error());
  if (Status read = read_tokenizer(); !read) return fail(read.error());
  if (Status written = write_model(); !written) return fail(written.error());
  if (Status sound = check_model(); !sound) return fail(sound.error());
  if (Status opened = open_others(); !opened) return fail(opened.error());
  if (Status written = write_others(); !written) return fail(written.error());
  if (Status ended = write(wire::package_end()); !ended) return fail(ended.error());
  facts_.facts.weights_bytes = into_.bytes();
  return std::move(facts_.facts);
}

Status Packer::read_manifest() {
  if (!files_.is_whole()) return {};  // a file that was named alone: it gives and takes tensors
  for (const std::string_view name : {kUserManifest, wire::kManifestEntry}) {
    Result<std::optional<ModelFile>> file = files_.find(std::string(name));
    if (!file) return fail(file.error());
    if (!*file) continue;
    const Result<std::string> text = read_whole(**file, std::string(name), domain::kManifestBytesMax);
    if (!text) return fail(text.error());
    Result<wire::Manifest> manifest = name == kUserManifest ? wire::parse_manifest_yaml(*text) : wire::parse_manifest(*text);
    if (!manifest) return invalid(manifest.error().message);
    manifest_ = std::move(*manifest);
    return {};
  }
  return {};
}

Result<ModelFile> Packer::required(const std::string& name, std::string_view who) const {
  Result<std::optional<ModelFile>> file = files_.find(name);
  if (!file) return fail(file.error());
  if (*file) return std::move(**file);
  return invalid(fmt::format(
      "{} names the file '{}', which {}", who, name,
      files_.has_others() ? "is not beside the model" : "an address alone does not bring: make an archive of the model and its files (tar --format=ustar)"));
}

Status Packer::read_tokenizer() {
  if (!manifest_.tokenizer) return {};
  const std::string& name = manifest_.tokenizer->vocabulary;
  const Result<ModelFile> file = required(name, "'tokenizer.vocabulary'");
  if (!file) return fail(file.error());
  const Result<std::string> text = read_whole(*file, name, domain::kTokenizerFileBytesMax);
  if (!text) return fail(text.error());
  if (!text->starts_with('{')) return check_vocabulary(*text);
  Result<wire::ConvertedTokenizer> converted = wire::convert_tokenizer_json(*text);
  if (!converted) return invalid(converted.error().message);
  const int64_t max_tokens = manifest_.tokenizer->max_tokens;
  manifest_.tokenizer = std::move(converted->tokenizer);
  manifest_.tokenizer->max_tokens = max_tokens;
  vocabulary_ = std::move(converted->vocabulary);
  return check_vocabulary(vocabulary_);
}

Status Packer::check_vocabulary(std::string_view text) {
  const std::string& name = manifest_.tokenizer->vocabulary;
  if (!is_utf8(text)) return invalid(fmt::format("'{}' is not a text in UTF-8", name));
  const std::vector<std::string_view> lines = lines_of(text);
  const std::set<std::string_view> tokens(lines.begin(), lines.end());
  for (const auto& [field, token] : {std::pair{"cls", &manifest_.tokenizer->cls},
                                     {"sep", &manifest_.tokenizer->sep},
                                     {"unknown", &manifest_.tokenizer->unknown},
                                     {"pad", &manifest_.tokenizer->pad}}) {
    if (!tokens.contains(*token)) return invalid(fmt::format("'tokenizer.{}' is '{}', which '{}' does not have as a line", field, *token, name));
  }
  facts_.facts.vocabulary = static_cast<int64_t>(lines.size());
  return {};
}

Status Packer::check_labels(std::string_view text) {
  if (!is_utf8(text)) return invalid(fmt::format("'{}' is not a text in UTF-8", manifest_.labels));
  const std::vector<std::string_view> lines = lines_of(text);
  if (lines.empty() || lines.size() > kLabelLinesMax)
    return invalid(fmt::format("'{}' has {} lines: one label a line, at most {}", manifest_.labels, lines.size(), kLabelLinesMax));
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].empty() || lines[i].size() > domain::kLabelBytesMax)
      return invalid(fmt::format("line {} of '{}' is empty or has more than {} bytes", i + 1, manifest_.labels, domain::kLabelBytesMax));
  }
  const auto output = std::ranges::find(facts_.facts.outputs, manifest_.output, &domain::TensorSpec::name);
  const int64_t scores = output->shape.back();
  if (scores >= 0 && static_cast<size_t>(scores) != lines.size())
    return invalid(fmt::format("'{}' has {} labels, but the model's output '{}' has {} scores", manifest_.labels, lines.size(), manifest_.output, scores));
  return {};
}

Status Packer::make_room(uint64_t more) {
  total_bytes_ += more;
  if (total_bytes_ > bytes_max_)
    return fail(ErrorKind::kTooLarge, fmt::format("the model and its files have {} bytes; at most {} are allowed", total_bytes_, bytes_max_), "source");
  return into_.reserve(total_bytes_);
}

Status Packer::write_model() {
  Result<ModelFile> model = files_.model();
  if (!model) return fail(model.error());
  model_ = std::move(*model);
  if (model_.bytes > kOnnxModelBytesMax)
    return fail(ErrorKind::kTooLarge,
                fmt::format("the ONNX model has {} bytes; at most {} can be loaded: save its weights as external data", model_.bytes, kOnnxModelBytesMax),
                "source");
  const std::string manifest = wire::canonical_manifest(manifest_);
  if (Status room = make_room(4 * wire::kPackageBlockBytes + manifest.size() + model_.bytes); !room) return room;
  if (Status written = write_text(wire::kManifestEntry, manifest); !written) return written;
  model_at_ = into_.bytes() + wire::kPackageBlockBytes;
  return write_file(wire::kModelEntry, model_);
}

// What is checked is what was written, which nobody else changes.
Status Packer::check_model() {
  progress_({.phase = "check", .done_bytes = 0, .total_bytes = model_.bytes});
  if (model_.bytes == 0) return invalid("the ONNX model is empty");
  if (Status flushed = into_.flush(); !flushed) return flushed;
  const Mapping mapping(into_.fd(), model_at_, model_.bytes);
  if (!mapping.sound()) return fail(errno_error("cannot map the model", errno));
  Result<OnnxModel> model = read_onnx(mapping.bytes());
  if (!model) return fail(model.error());
  const int64_t vocabulary = facts_.facts.vocabulary;
  facts_ = std::move(*model);
  facts_.facts.task = manifest_.task;
  facts_.facts.vocabulary = vocabulary;
  if (manifest_.tokenizer) facts_.facts.train_context = manifest_.tokenizer->max_tokens;
  if (Status fits = wire::check_manifest(manifest_, facts_.facts.inputs, facts_.facts.outputs); !fits) return invalid(fits.error().message);
  if (manifest_.task != domain::Task::kEmbedding) return {};
  const auto output = std::ranges::find(facts_.facts.outputs, manifest_.output, &domain::TensorSpec::name);
  facts_.facts.width = std::max<int64_t>(output->shape.back(), 0);
  return {};
}

Status Packer::open_others() {
  std::set<std::string> names;
  for (const auto& [name, external] : facts_.external)
    names.insert(name);
  for (std::string& name : wire::files_of(manifest_))
    names.insert(std::move(name));
  names.erase(std::string(wire::kManifestEntry));
  if (names.size() + 2 > domain::kPackageEntriesMax)
    return invalid(fmt::format("the model needs {} files beside itself; at most {} fit into a package: save its weights in one", names.size(),
                               domain::kPackageEntriesMax - 2));
  uint64_t more = 2 * wire::kPackageBlockBytes;
  for (const std::string& name : names) {
    const bool made = !vocabulary_.empty() && name == manifest_.tokenizer->vocabulary;
    if (made) {
      more += 2 * wire::kPackageBlockBytes + vocabulary_.size();
      continue;
    }
    const auto external = facts_.external.find(name);
    Result<ModelFile> file = required(name, external != facts_.external.end() ? "the model" : "the manifest");
    if (!file) return fail(file.error());
    if (external != facts_.external.end() && file->bytes < external->second.bytes_min) return fail(external_too_short(name, external->second, file->bytes));
    if (file->bytes > wire::kPackageEntryBytesMax)
      return fail(ErrorKind::kTooLarge, fmt::format("'{}' has {} bytes; at most {} fit into a package", name, file->bytes, wire::kPackageEntryBytesMax),
                  "source");
    more += 2 * wire::kPackageBlockBytes + file->bytes;
    others_.emplace(name, std::move(*file));
  }
  return make_room(more);
}

Status Packer::write_others() {
  if (!manifest_.labels.empty()) {
    const auto labels = others_.find(manifest_.labels);
    if (labels == others_.end()) return invalid(fmt::format("'labels' names '{}', which is its vocabulary too", manifest_.labels));
    const Result<std::string> text = read_whole(labels->second, manifest_.labels, domain::kTokenizerFileBytesMax);
    if (!text) return fail(text.error());
    if (Status sound = check_labels(*text); !sound) return sound;
  }
  bool made = vocabulary_.empty();
  for (const auto& [name, file] : others_) {
    if (!made && manifest_.tokenizer->vocabulary < name) {
      if (Status written = write_text(manifest_.tokenizer->vocabulary, vocabulary_); !written) return written;
      made = true;
    }
    if (Status written = write_file(name, file); !written) return written;
  }
  if (made) return {};
  return write_text(manifest_.tokenizer->vocabulary, vocabulary_);
}

Status Packer::write_text(std::string_view name, std::string_view text) {
  if (Status written = write(wire::entry_header(name, text.size())); !written) return written;
  if (Status written = write(text); !written) return written;
  return write(wire::entry_padding(text.size()));
}

Status Packer::write_file(std::string_view name, const ModelFile& file) {
  if (Status written = write(wire::entry_header(name, file.bytes)); !written) return written;
  std::vector<uint8_t> chunk(kChunkBytes);
  for (uint64_t done = 0; done < file.bytes;) {
    const size_t want = std::min<uint64_t>(chunk.size(), file.bytes - done);
    const ssize_t got = ::pread(file.file.get(), chunk.data(), want, static_cast<off_t>(file.at + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(errno_error(fmt::format("cannot read '{}'", name), errno));
    if (got == 0) return invalid(fmt::format("'{}' became shorter while it was read: add it again when it is whole", name));
    if (Status written = into_.write({chunk.data(), static_cast<size_t>(got)}); !written) return written;
    done += static_cast<uint64_t>(got);
    progress_({.phase = "pack", .done_bytes = into_.bytes(), .total_bytes = std::max(total_bytes_, into_.bytes())});
  }
  return write(wire::entry_padding(file.bytes));
}

}  // namespace

Result<domain::ModelFacts> pack_model(const ModelFiles& files, uint64_t bytes_max, const Progress& progress, StagedFile& into) {
  return Packer(files, bytes_max, progress, into).pack();
}

}  // namespace ebb::registry
