// The order of effects: blobs and root before their row, a row's end before its blobs'. A crash between leaves files without a row at most.
#include "registry/images.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/log.h"
#include "domain/endpoint.h"
#include "registry/tree.h"

namespace ebb::registry {

namespace {

auto order_of(const domain::Image& image) { return std::tie(image.name, image.version); }

bool matches(const domain::Image& image, const domain::ImageRef& ref) { return image.name == ref.name && (!ref.version || *ref.version == image.version); }

Error not_found(const domain::ImageRef& ref, bool name_exists) {
  const std::string advice =
      name_exists ? "it has other versions: `ebb image ls` shows them" : "`ebb image ls` shows what there is, `ebb image add` brings more";
  return Error{.kind = ErrorKind::kNotFound, .message = fmt::format("there is no image '{}'; {}", domain::to_string(ref), advice), .param = "image"};
}

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
  std::ranges::sort(*rows, {}, order_of);
  return std::unique_ptr<Images>(new Images(catalog, store, std::move(*rows)));
}

Result<domain::Image> Images::resolve(const domain::ImageRef& ref) const {
  const domain::Image* found = nullptr;
  bool name_exists = false;
  for (const domain::Image& image : images_) {
    name_exists = name_exists || image.name == ref.name;
    if (matches(image, ref)) found = &image;  // in the order of versions: the last is the newest
  }
  if (found == nullptr) return fail(not_found(ref, name_exists));
  return *found;
}

Result<domain::Image> Images::add(const std::string& name, const ImageFetchResult& fetched, const std::string& source, WallTime now) {
  if (!domain::is_name(name)) return fail(ErrorKind::kInvalid, fmt::format("'{}' is not an image name: {}", name, domain::kNameRule), "name");
  // The word of ebb-fetch is not enough; and an image of the same content may have been removed meanwhile.
  if (Status there = store_->check(fetched.digest, fetched.facts); !there) return fail(there.error());
  int64_t version = 1;
  for (const domain::Image& image : images_) {
    if (image.name != name) continue;
    if (image.digest == fetched.digest) return image;
    version = image.version + 1;
  }
  domain::Image image{.name = name, .version = version, .digest = fetched.digest, .facts = fetched.facts, .added = now, .source = source};
  if (Status stored = catalog_->put_image(image); !stored) return fail(stored.error());
  images_.insert(std::ranges::upper_bound(images_, order_of(image), {}, order_of), image);
  return image;
}

Status Images::remove(const domain::ImageRef& ref, const std::function<std::string(const domain::Image&)>& used_by) {
  std::vector<domain::Image> chosen;
  std::ranges::copy_if(images_, std::back_inserter(chosen), [&](const domain::Image& image) { return matches(image, ref); });
  if (chosen.empty()) return fail(not_found(ref, std::ranges::find(images_, ref.name, &domain::Image::name) != images_.end()));
  for (const domain::Image& image : chosen) {
    const std::string endpoint = used_by ? used_by(image) : "";
    if (!endpoint.empty())
      return fail(ErrorKind::kExists, fmt::format("the endpoint '{}' needs {}@{}: remove it first (ebb rm {})", endpoint, image.name, image.version, endpoint),
                  "image");
  }
  for (const domain::Image& image : chosen) {
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
