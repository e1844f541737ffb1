// The order of effects: a file before its row, a row's end before its file's. A crash between leaves a file without a row at most.
#include "registry/models.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "domain/endpoint.h"
#include "registry/source_url.h"
#include "registry/versions.h"

namespace ebb::registry {

Result<Models> Models::load(store::Catalog& catalog, const ContentStore& store) {
  Result<std::vector<domain::Model>> rows = catalog.models();
  if (!rows) return fail(rows.error());
  std::ranges::sort(*rows, {}, version_order<domain::Model>);
  Result<PreparedFiles> prepared = PreparedFiles::open(store);
  if (!prepared) return fail(prepared.error());
  return Models(catalog, store, std::move(*prepared), std::move(*rows));
}

Result<domain::Model> Models::resolve(const domain::ModelRef& ref) const { return resolve_version(models_, ref, "model"); }

Result<domain::Model> Models::add(const std::string& name, const FetchResult& fetched, const std::string& source, WallTime now) {
  if (!domain::is_name(name)) return fail(ErrorKind::kInvalid, fmt::format("'{}' is not a model name: {}", name, domain::kNameRule), "name");
  // A model may have been removed while this one, of the same content, was fetched.
  const Result<Fd> file = store_->open(fetched.digest, fetched.facts.weights_bytes);
  if (!file) return fail(file.error());
  const NextVersion<domain::Model> next = next_version(models_, name, fetched.digest);
  if (next.same != nullptr) return *next.same;
  domain::Model model{.name = name, .version = next.number, .digest = fetched.digest, .facts = fetched.facts, .added = now, .source = shown_source(source)};
  if (Status stored = catalog_->put_model(model); !stored) return fail(stored.error());
  insert_version(models_, model);
  return model;
}

Status Models::remove(const domain::ModelRef& ref, const std::function<std::string(const domain::Model&)>& used_by) {
  const Result<std::vector<domain::Model>> chosen = removable_versions(models_, ref, used_by, "model");
  if (!chosen) return fail(chosen.error());
  for (const domain::Model& model : *chosen) {
    if (Status gone = catalog_->delete_model(model.name, model.version); !gone) return gone;
    std::erase(models_, model);
    if (is_named(model.digest)) continue;
    // The row is gone, so the model is; a file that stays is found at the next start.
    if (Status removed = store_->remove(model.digest); !removed)
      log_warn("a model's file stays behind", {{"sha256", model.digest.hex()}, {"why", removed.error().message}});
    if (preparer_ != nullptr) preparer_->forget(model.digest);
    if (Status removed = prepared_.remove(model.digest); !removed)
      log_warn("what was prepared of a model stays behind", {{"sha256", model.digest.hex()}, {"why", removed.error().message}});
  }
  return {};
}

bool Models::is_named(const domain::Digest& digest) const { return std::ranges::find(models_, digest, &domain::Model::digest) != models_.end(); }

Result<Fd> Models::open(const domain::Digest& digest) const {
  const auto model = std::ranges::find(models_, digest, &domain::Model::digest);
  if (model == models_.end()) return fail(ErrorKind::kNotFound, fmt::format("no model has the content sha256:{}: add it again", digest.hex()), "model");
  return store_->open(digest, model->facts.weights_bytes);
}

std::optional<Fd> Models::open_prepared(const domain::Model& model) const { return preparer_ == nullptr ? std::nullopt : preparer_->open(model); }

void Models::prepare(const domain::Model& model) {
  if (preparer_ != nullptr) preparer_->want(model);
}

Status Models::clear_prepared(size_t& cleared) const {
  const Result<std::vector<domain::Digest>> digests = prepared_.list();
  if (!digests) return fail(digests.error());
  for (const domain::Digest& digest : *digests) {
    if (!is_named(digest) && prepared_.remove(digest)) ++cleared;
  }
  return {};
}

Result<size_t> Models::clear_rest(WallTime now) {
  Result<size_t> cleared = store_->clear_staging(now);
  if (!cleared) return cleared;
  const Result<std::vector<domain::Digest>> files = store_->list();
  if (!files) return fail(files.error());
  for (const domain::Digest& digest : *files) {
    if (is_named(digest)) continue;
    log_info("removing a model file that no model names", {{"sha256", digest.hex()}});
    if (store_->remove(digest)) ++*cleared;
  }
  if (Status done = clear_prepared(*cleared); !done) return fail(done.error());
  return cleared;
}

}  // namespace ebb::registry
