// The files of which a package is made, wherever they are: in a folder, in an archive, or one alone. Names are as is_package_name() has them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "registry/archive.h"

namespace ebb::registry {

struct ModelFile {
  Fd file;
  uint64_t at = 0;  // of its first byte
  uint64_t bytes = 0;
};

class ModelFiles {
 public:
  // The plain files beneath a folder; no link is followed, nothing outside is reached. `folder` is borrowed. The model is `model.onnx`, or else the only
  // file whose name ends with .onnx. kInvalid, param "source", if there is none.
  static Result<ModelFiles> in_folder(int folder);
  // The same of an archive; `archive` is borrowed.
  static Result<ModelFiles> in_archive(int archive, uint64_t bytes);
  // A model in a file of its own, and what it names beside itself in `folder` (-1: nothing is there).
  static ModelFiles of_model(int model, uint64_t bytes, int folder);

  Result<ModelFile> model() const;
  // nullopt: there is none of this name. kInvalid: it is no plain file.
  Result<std::optional<ModelFile>> find(const std::string& name) const;
  // Whether more than the model came, so that a missing file can be put there.
  bool has_others() const { return folder_ >= 0 || !entries_.empty(); }
  // Whether `ebb.yaml` is looked for: not beside a file that was named alone, whose folder may be anything.
  bool is_whole() const { return !model_name_.empty(); }

 private:
  ModelFiles() = default;
  Result<std::optional<ModelFile>> find_beneath(const std::string& name) const;

  int folder_ = -1;
  int archive_ = -1;  // or the model's own file
  uint64_t model_bytes_ = 0;
  std::map<std::string, ArchiveEntry, std::less<>> entries_;
  std::string model_name_;  // empty: `archive_` is the model
};

}  // namespace ebb::registry
