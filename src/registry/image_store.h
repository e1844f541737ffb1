// Images by their content, below one directory:
//
//   blobs/sha256/<64 digits>   manifests, configurations and layers, each once (as the OCI specification lays out shared blobs)
//   roots/<64 digits>          root folders, by the digest of the manifest
//   staging/                   what is not whole yet, and what is being removed
//
// A blob or root has its name only when it is complete, checked and synced. Names are made of digests' bytes, never of text from outside.
// One thread at a time for each object; several processes may use one directory.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "domain/image.h"

namespace ebb::registry {

class ImageStore {
 public:
  // Makes the folders where they are missing. Error: kIo and its kin, with the path.
  static Result<ImageStore> open(const std::string& directory);
  // Over an open directory that open() has prepared: for ebb-fetch, which is not told where it is.
  static Result<ImageStore> adopt(Fd directory);

  // A new empty folder in staging; its name.
  Result<std::string> new_staging() const;

  // Gives a staged file (a path below staging) its final name, and syncs it. It replaces one that is there already, whose bytes may have
  // been damaged since.
  Status publish_blob(const std::string& staged, const domain::Digest& digest) const;
  // The same for a root folder, after everything in it is on the disk; of two that were unpacked at once, one is kept.
  Status publish_root(const std::string& staged, const domain::Digest& manifest) const;

  // kNotFound, kCorrupt: a blob or the root of the image is not there, or has another size.
  Status check(const domain::Digest& manifest, const domain::ImageFacts& facts) const;
  // A layer that is stored with that size.
  bool has(const domain::ImageLayer& layer) const;
  // Absolute.
  std::string blob_path(const domain::Digest& digest) const;
  std::string root_path(const domain::Digest& manifest) const;

  Result<std::vector<domain::Digest>> blobs() const;
  Result<std::vector<domain::Digest>> roots() const;
  // Everything in staging, by name.
  Result<std::vector<std::string>> staged() const;

  Status remove_blob(const domain::Digest& digest) const;
  // Takes it out of sight at once; what is left to do is to remove the staging entry that it returns, which takes time. Nothing: it was not there.
  Result<std::optional<std::string>> retire_root(const domain::Digest& manifest) const;

  // What an ordinary user may still write to the file system of the store.
  Result<uint64_t> free_bytes() const;

  int directory() const { return directory_.get(); }
  int staging() const { return staging_.get(); }
  int blob_folder() const { return blobs_.get(); }
  const std::string& path() const { return path_; }

 private:
  ImageStore(Fd directory, Fd staging, Fd blobs, Fd roots, std::string path)
      : directory_(std::move(directory)), staging_(std::move(staging)), blobs_(std::move(blobs)), roots_(std::move(roots)), path_(std::move(path)) {}

  Fd directory_;
  Fd staging_;
  Fd blobs_;
  Fd roots_;
  std::string path_;  // absolute
};

}  // namespace ebb::registry
