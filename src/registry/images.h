// Names and versions of images, over the catalog (what there is) and the image store (blobs and root folders).
//
// One owner, on the server's loop. The catalog decides: blobs and roots that no row names are removed at the next start.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "domain/image.h"
#include "registry/image_protocol.h"
#include "registry/image_store.h"
#include "store/catalog.h"

namespace ebb::registry {

// Removes entries of a staging folder on a thread of its own: a root folder has a hundred thousand files. What is left when it goes is removed
// at the next start.
class StagingRemover {
 public:
  // `staging` must stay open until this has gone.
  explicit StagingRemover(int staging) : staging_(staging), thread_([this](const std::stop_token& stop) { run(stop); }) {}
  // From any thread.
  void remove(std::string name);

 private:
  void run(const std::stop_token& stop);

  int staging_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::string> names_;
  std::jthread thread_;  // last: it uses what stands above
};

class Images {
 public:
  // Reads the rows. `catalog` and `store` must outlive it.
  static Result<std::unique_ptr<Images>> load(store::Catalog& catalog, const ImageStore& store);

  // All versions, by name and version.
  const std::vector<domain::Image>& list() const { return images_; }
  // The newest version of a name, or the one that was asked for. kNotFound, param "image", with what there is.
  Result<domain::Image> resolve(const domain::ImageRef& ref) const;

  // Gives what was fetched a name: the next version, or the version that has this content already. Durable before it returns.
  // kInvalid for a bad name; kNotFound if its blobs or its root have gone from the store meanwhile.
  Result<domain::Image> add(const std::string& name, const ImageFetchResult& fetched, const std::string& source, WallTime now);

  // One version, or all of a name. `used_by` names an endpoint that needs the image, or is empty. kExists if one is needed (then nothing is
  // removed), kNotFound. The root and each blob go with the last row that names them; the root is out of sight when this returns.
  Status remove(const domain::ImageRef& ref, const std::function<std::string(const domain::Image&)>& used_by);

  // The unpacked root folder, absolute: to be mounted read-only, never to be written. kNotFound.
  Result<std::string> root_path(const domain::Digest& digest) const;

  // At the start, before any fetch: removes what is in staging, and blobs and roots that no row names. Returns how many went. The files of
  // folders go in the background.
  Result<size_t> clear_rest();
  // When no fetch of an image runs: what ended ones left in staging.
  void clear_staging();

 private:
  Images(store::Catalog& catalog, const ImageStore& store, std::vector<domain::Image> images)
      : catalog_(&catalog), store_(&store), images_(std::move(images)), remover_(store.staging()) {}
  bool is_root(const domain::Digest& digest) const;
  bool is_blob(const domain::Digest& digest) const;
  Status drop_root(const domain::Digest& digest);
  void drop_unnamed(const domain::Image& gone);

  store::Catalog* catalog_;
  const ImageStore* store_;
  std::vector<domain::Image> images_;
  StagingRemover remover_;
};

}  // namespace ebb::registry
