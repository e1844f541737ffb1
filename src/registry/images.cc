// The order of effects: blobs and root before their row, a row's end before its blobs'. A crash between leaves files without a row at most.
#include "registry/images.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "domain/endpoint.h"
#include "registry/tree.h"
#include "registry/versions.h"

namespace ebb::registry {

namespace {

bool names_blob(const domain::Image& image, const domain::Digest& digest) {
  return image.digest == digest || image.facts.config_digest == digest ||
         std::ranges::find(image.facts.layers, digest, &domain::ImageLayer::digest) != image.facts.layers.end();
}

}  // namespace

void StagingRemover::remove(std::string name) {
  const std::lock_guard lock(mutex_);
  names_.push_back(std::move(name));
  changed_.notify_one();
}

void StagingRemover::run(const std::stop_token& stop) {
  for (;;) {
    std::string name;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return !names_.empty(); })) return;
      name = std::move(names_.front());
      names_.pop_front();
    }
    const Status removed = remove_tree(staging_, name, [&stop] { return stop.stop_requested(); });
    if (!removed && removed.error().kind != ErrorKind::kCancelled)
      log_warn("an image's files stay behind", {{"folder", "images/staging/" + name}, {"why", removed.error().message}});
  }
}

Result<std::unique_ptr<Images>> Images::load(store::Catalog& catalog, const ImageStore& store) {
  Result<std::vector<domain::Image>> rows = catalog.images();
  if (!rows) return fail(rows.error());
  std::ranges::sort(*rows, {}, version_order<domain::Image>);
  return std::unique_ptr<Images>(new Images(catalog, store, std::move(*rows)));
}

Result<domain::Image> Images::resolve(const domain::ImageRef& ref) const { return resolve_version(images_, ref, "image"); }

Result<domain::Image> Images::add(const std::string& name, const ImageFetchResult& fetched, const std::string& source, WallTime now) {
  if (!domain::is_name(name)) return fail(ErrorKind::kInvalid, fmt::format("'{}' is not an image name: {}", name, domain::kNameRule), "name");
  // The word of ebb-fetch is not enough; and an image of the same content may have been removed meanwhile.
  if (Status there = store_->check(fetched.digest, fetched.facts); !there) return fail(there.error());
  const NextVersion<domain::Image> next = next_version(images_, name, fetched.digest);
  if (next.same != nullptr) return *next.same;
  domain::Image image{.name = name, .version = next.number, .digest = fetched.digest, .facts = fetched.facts, .added = now, .source = source};
  if (Status stored = catalog_->put_image(image); !stored) return fail(stored.error());
  insert_version(images_, image);
  return image;
}

Status Images::remove(const domain::ImageRef& ref, const std::function<std::string(const domain::Image&)>& used_by) {
  const Result<std::vector<domain::Image>> chosen = removable_versions(images_, ref, used_by, "image");
  if (!chosen) return fail(chosen.error());
  for (const domain::Image& image : *chosen) {
    if (Status gone = catalog_->delete_image(image.name, image.version); !gone) return gone;
    std::erase(images_, image);
    drop_unnamed(image);
  }
  return {};
}

// The row is gone, so the image is; what stays is found at the next start.
void Images::drop_unnamed(const domain::Image& gone) {
  const auto warn = [](const Status& done) {
    if (!done) log_warn("a part of an image stays behind", {{"why", done.error().message}});
  };
  if (!is_root(gone.digest)) warn(drop_root(gone.digest));
  std::vector<domain::Digest> blobs = {gone.digest, gone.facts.config_digest};
  for (const domain::ImageLayer& layer : gone.facts.layers)
    blobs.push_back(layer.digest);
  for (const domain::Digest& blob : blobs) {
    if (!is_blob(blob)) warn(store_->remove_blob(blob));
  }
}

Status Images::drop_root(const domain::Digest& digest) {
  Result<std::optional<std::string>> retired = store_->retire_root(digest);
  if (!retired) return fail(retired.error());
  if (*retired) remover_.remove(std::move(**retired));
  return {};
}

bool Images::is_root(const domain::Digest& digest) const { return std::ranges::find(images_, digest, &domain::Image::digest) != images_.end(); }
bool Images::is_blob(const domain::Digest& digest) const {
  return std::ranges::any_of(images_, [&](const domain::Image& image) { return names_blob(image, digest); });
}

Result<std::string> Images::root_path(const domain::Digest& digest) const {
  const auto image = std::ranges::find(images_, digest, &domain::Image::digest);
  if (image == images_.end()) return fail(ErrorKind::kNotFound, fmt::format("no image has the content sha256:{}: add it again", digest.hex()), "image");
  if (Status there = store_->check(digest, image->facts); !there) return fail(there.error());
  return store_->root_path(digest);
}

void Images::clear_staging() {
  const Result<std::vector<std::string>> names = store_->staged();
  if (!names) return;
  for (const std::string& name : *names)
    remover_.remove(name);
}

Result<size_t> Images::clear_rest() {
  size_t cleared = 0;
  const Result<std::vector<domain::Digest>> roots = store_->roots();
  if (!roots) return fail(roots.error());
  for (const domain::Digest& root : *roots) {
    if (is_root(root)) continue;
    log_info("removing a root folder that no image names", {{"sha256", root.hex()}});
    if (drop_root(root)) ++cleared;
  }
  const Result<std::vector<domain::Digest>> blobs = store_->blobs();
  if (!blobs) return fail(blobs.error());
  for (const domain::Digest& blob : *blobs) {
    if (!is_blob(blob) && store_->remove_blob(blob)) ++cleared;
  }
  const Result<std::vector<std::string>> staged = store_->staged();
  if (!staged) return fail(staged.error());
  cleared += staged->size();
  clear_staging();
  return cleared;
}

}  // namespace ebb::registry
