// Folders are read by openat2 beneath them, archives by their table.
#include "registry/model_files.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "registry/files.h"
#include "wire/package.h"

namespace ebb::registry {

namespace {

constexpr size_t kNamesMax = 10'000;

Result<std::string> choose_model(const std::vector<std::string>& names, std::string_view where) {
  std::vector<std::string> models;
  for (const std::string& name : names) {
    if (name == wire::kModelEntry) return name;
    if (name.ends_with(".onnx")) models.push_back(name);
  }
  if (models.size() == 1) return models.front();
  return fail(ErrorKind::kInvalid,
              models.empty() ? fmt::format("{} has no model.onnx in it: name the .onnx or .gguf file, or a folder with model.onnx and ebb.yaml", where)
                             : fmt::format("{} has {} models in it: name the one that is meant model.onnx", where, models.size()),
              "source");
}

Fd copy_of(int fd) { return Fd(::fcntl(fd, F_DUPFD_CLOEXEC, 0)); }

}  // namespace

Result<ModelFiles> ModelFiles::in_folder(int folder) {
  const Result<std::vector<std::string>> names = names_in(folder, kNamesMax);
  if (!names) return fail(names.error());
  Result<std::string> model = choose_model(*names, "the folder");
  if (!model) return fail(model.error());
  ModelFiles files;
  files.folder_ = folder;
  files.model_name_ = std::move(*model);
  return files;
}

Result<ModelFiles> ModelFiles::in_archive(int archive, uint64_t bytes) {
  Result<std::map<std::string, ArchiveEntry, std::less<>>> entries = read_archive(archive, bytes);
  if (!entries) return fail(entries.error());
  std::vector<std::string> names;
  for (const auto& [name, entry] : *entries)
    names.push_back(name);
  Result<std::string> model = choose_model(names, "the archive");
  if (!model) return fail(model.error());
  ModelFiles files;
  files.archive_ = archive;
  files.entries_ = std::move(*entries);
  files.model_name_ = std::move(*model);
  return files;
}

ModelFiles ModelFiles::of_model(int model, uint64_t bytes, int folder) {
  ModelFiles files;
  files.archive_ = model;
  files.model_bytes_ = bytes;
  files.folder_ = folder;
  return files;
}

Result<ModelFile> ModelFiles::model() const {
  if (!is_whole()) {
    Fd copy = copy_of(archive_);
    if (!copy) return fail(errno_error("cannot read the model", errno));
    return ModelFile{.file = std::move(copy), .at = 0, .bytes = model_bytes_};
  }
  Result<std::optional<ModelFile>> found = find(model_name_);
  if (!found) return fail(found.error());
  if (!*found) return fail(ErrorKind::kInvalid, fmt::format("'{}' has gone while the model was read", model_name_), "source");
  return std::move(**found);
}

Result<std::optional<ModelFile>> ModelFiles::find(const std::string& name) const {
  if (folder_ >= 0) return find_beneath(name);
  const auto entry = entries_.find(name);
  if (entry == entries_.end()) return std::nullopt;
  Fd copy = copy_of(archive_);
  if (!copy) return fail(errno_error("cannot read the archive", errno));
  return ModelFile{.file = std::move(copy), .at = entry->second.at, .bytes = entry->second.bytes};
}

Result<std::optional<ModelFile>> ModelFiles::find_beneath(const std::string& name) const {
  const auto not_plain = [&name] {
    return fail(ErrorKind::kInvalid, fmt::format("'{}' is not a plain file of the model's own folder: links are not followed, put the file itself there", name),
                "source");
  };
  // First a look that neither waits at a FIFO nor wakes a device.
  const Result<Fd> place = open_beneath(folder_, name, O_PATH);
  if (!place && place.error().kind == ErrorKind::kNotFound) return std::nullopt;
  if (!place) return not_plain();
  const Result<struct stat> info = look_at(place->get());
  if (!info) return fail(info.error());
  if (!S_ISREG(info->st_mode)) return not_plain();
  Result<Fd> file = open_beneath(folder_, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!file) return fail(ErrorKind::kInvalid, fmt::format("'{}' cannot be read: {}", name, file.error().message), "source");
  const Result<struct stat> again = look_at(file->get());
  if (!again) return fail(again.error());
  if (again->st_ino != info->st_ino || again->st_dev != info->st_dev) return not_plain();
  return ModelFile{.file = std::move(*file), .at = 0, .bytes = static_cast<uint64_t>(again->st_size)};
}

}  // namespace ebb::registry
