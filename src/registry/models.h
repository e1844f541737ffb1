// Names and versions of models, over the catalog (what there is), the content store (the files) and what was prepared from them.
//
// One owner, on the server's loop. The catalog decides: a file that no row names is removed at the next start.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"
#include "domain/model.h"
#include "registry/content_store.h"
#include "registry/fetch_protocol.h"
#include "registry/prepared_files.h"
#include "registry/preparer.h"
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

  // The weights, or a package, read-only. kNotFound, kCorrupt.
  Result<Fd> open(const domain::Digest& digest) const;

  // What workers start from beside the model. Without a preparer, which must outlive it, there is nothing prepared.
  void use(Preparer& preparer) { preparer_ = &preparer; }
  const PreparedFiles& prepared_files() const { return prepared_; }
  std::optional<Fd> open_prepared(const domain::Model& model) const;
  // Has it prepared behind those that wait already, if it was not.
  void prepare(const domain::Model& model);

  // At the start, before any fetch: removes what is in staging and cannot be resumed, and files that no row names. Returns how many went.
  Result<size_t> clear_rest(WallTime now);

 private:
  Models(store::Catalog& catalog, const ContentStore& store, PreparedFiles prepared, std::vector<domain::Model> models)
      : catalog_(&catalog), store_(&store), prepared_(std::move(prepared)), models_(std::move(models)) {}
  Status clear_prepared(size_t& cleared) const;
  bool is_named(const domain::Digest& digest) const;

  store::Catalog* catalog_;
  const ContentStore* store_;
  PreparedFiles prepared_;
  Preparer* preparer_ = nullptr;
  std::vector<domain::Model> models_;
};

}  // namespace ebb::registry
