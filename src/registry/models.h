// Names and versions of models, over the catalog (what there is) and the content store (the files).
//
// One owner, on the server's loop. The catalog decides: a file that no row names is removed at the next start.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"
#include "domain/model.h"
#include "registry/content_store.h"
#include "registry/fetch_protocol.h"
#include "store/catalog.h"

namespace ebb::registry {

class Models {
 public:
  // Reads the rows. `catalog` and `store` must outlive it.
  static Result<Models> load(store::Catalog& catalog, const ContentStore& store);

  // All versions, by name and version.
  const std::vector<domain::Model>& list() const { return models_; }
  // The newest version of a name, or the one that was asked for. kNotFound, param "model", with what there is.
  Result<domain::Model> resolve(const domain::ModelRef& ref) const;

  // Gives what was fetched a name: the next version, or the version that has this content already. Durable before it returns.
  // kInvalid for a bad name; kNotFound if the file has gone from the store meanwhile.
  Result<domain::Model> add(const std::string& name, const FetchResult& fetched, const std::string& source, WallTime now);

  // One version, or all of a name. `used_by` names an endpoint that needs the model, or is empty. kExists if one is needed (then nothing
  // is removed), kNotFound. A file goes with its last row.
  Status remove(const domain::ModelRef& ref, const std::function<std::string(const domain::Model&)>& used_by);

  // The weights, read-only. kNotFound, kCorrupt.
  Result<Fd> open(const domain::Digest& digest) const;

  // At the start, before any fetch: removes what is in staging and cannot be resumed, and files that no row names. Returns how many went.
  Result<size_t> clear_rest(WallTime now);

 private:
  Models(store::Catalog& catalog, const ContentStore& store, std::vector<domain::Model> models)
      : catalog_(&catalog), store_(&store), models_(std::move(models)) {}
  bool is_named(const domain::Digest& digest) const;

  store::Catalog* catalog_;
  const ContentStore* store_;
  std::vector<domain::Model> models_;
};

}  // namespace ebb::registry
