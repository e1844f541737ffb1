// What was prepared from models (ebb-prepare-onnx), beside their files: <directory>/prepared/<64 digits of the model>/<key>. Keys name the library's version
// and the processor; a file of another key is of no use any more. Each may be lost: it is made again.
//
// One thread at a time for each object.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "domain/model.h"
#include "registry/content_store.h"

namespace ebb::registry {

// [a-z0-9] first, then [a-z0-9.-], at most 100 bytes.
bool is_prepared_key(std::string_view key);

class PreparedFiles {
 public:
  // Beside the files of `store`, which must outlive it.
  static Result<PreparedFiles> open(const ContentStore& store);

  // Read-only, close-on-exec; nullopt: there is none, or it is no plain file with one name.
  std::optional<Fd> find(const domain::Digest& digest, const std::string& key) const;
  // An empty file in staging, for writing.
  Result<Fd> stage(const std::string& name) const;
  // Gives the staged file its place, synced before, and removes those of other keys.
  Status publish(const std::string& staged_name, const domain::Digest& digest, const std::string& key) const;
  void drop_staged(const std::string& name) const;
  // All of a model. Nothing happens where there is none.
  Status remove(const domain::Digest& digest) const;
  // The models that something was prepared from.
  Result<std::vector<domain::Digest>> list() const;

 private:
  PreparedFiles(const ContentStore& store, Fd folder) : store_(&store), folder_(std::move(folder)) {}

  const ContentStore* store_;
  Fd folder_;
};

}  // namespace ebb::registry
