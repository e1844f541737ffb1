// The steps, in their order.
#include "registry/image_run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <clocale>
#include <utility>

#include "domain/limits.h"
#include "registry/child.h"
#include "registry/files.h"
#include "registry/image_bring.h"
#include "registry/image_layout.h"
#include "registry/image_source.h"
#include "registry/image_store.h"
#include "registry/image_workplace.h"
#include "registry/tool_error.h"
#include "registry/tree.h"

namespace ebb::registry {

namespace {

Result<CheckedImage> check(Workplace& place) {
  const ChildRights rights{.paths = {{.place = place.layout.get()}, {.place = place.store.blob_folder()}}, .file_bytes_max = 0};
  const Result<json::value> value = place.task(rights, [&]() -> Result<json::value> {
    const auto passed = [&](uint64_t done, uint64_t total) { place.progress({.phase = "check", .done_bytes = done, .total_bytes = total}); };
    const Result<CheckedImage> image = check_layout(place.layout.get(), place.here, passed);
    if (!image) return fail(image.error());
    return to_json(*image);
  });
  if (!value) return fail(value.error());
  return checked_image_from_json(*value);
}

Status unpack(Workplace& place, const CheckedImage& image) {
  if (Status room = place.has_room(image.tally.bytes); !room) return room;
  const Result<Fd> tree = open_or_make_directory(place.folder.get(), "tree");
  if (!tree) return fail(tree.error());
  ProgramRun run{.path = place.umoci, .arguments = {"raw", "unpack"}};
  if (!place.as_owner) run.arguments.emplace_back("--rootless");
  run.arguments.insert(run.arguments.end(), {"--image", place.path_of("work/layout") + ":image", place.path_of("tree/root")});
  run.environment = {"PATH=/nonexistent", "HOME=/nonexistent"};
  run.rights = {.paths = {{.place = place.layout.get()}, {.place = place.store.blob_folder()}, {.place = tree->get(), .use = PathUse::kBuild}},
                .changes = place.path_of("tree"),
                .as_owner = place.as_owner,
                .program = true,
                .file_bytes_max = domain::kImageUnpackedBytesMax};
  run.time_max = domain::kImageToolTimeMax;
  uint64_t seen = 0;
  const Result<ProgramEnd> end = place.program(run, [&](uint64_t written) -> Status {
    // What was checked said how much it is; twice as much is another content.
    if (written > 2 * image.tally.bytes + domain::kImageRatioFreeBytes) return fail(ErrorKind::kTooLarge, "the image unpacks to more than it said", "source");
    if (written == seen) return {};
    seen = written;
    place.progress({.phase = "unpack", .done_bytes = std::min(written, image.tally.bytes), .total_bytes = image.tally.bytes});
    return place.has_room(0);
  });
  if (!end) return fail(end.error());
  if (end->status != 0) return fail(unpack_error(end->said, place.path_of("")));
  return {};
}

Result<SealedTree> seal(Workplace& place) {
  const Result<Fd> tree = open_beneath(place.folder.get(), "tree", O_RDONLY | O_DIRECTORY);
  if (!tree) return fail(tree.error());
  const ChildRights rights{
      .paths = {{.place = tree->get(), .use = PathUse::kBuild}}, .changes = place.path_of("tree"), .as_owner = place.as_owner, .file_bytes_max = 0};
  const Result<json::value> value = place.task(rights, []() -> Result<json::value> {
    const Fd root(::open("root", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!root) return fail(errno_error("cannot open the unpacked image", errno));
    const Result<SealedTree> sealed = seal_tree(root.get());
    if (!sealed) return fail(sealed.error());
    return to_json(*sealed);
  });
  if (!value) return fail(value.error());
  return sealed_tree_from_json(*value);
}

// Gigabytes take minutes to reach a slow disk, during which only this says that something happens.
Status sync_all(Workplace& place, uint64_t bytes) {
  const Result<TaskEnd> end = run_task(
      {.file_bytes_max = 0},
      [&]() -> Result<json::value> {
        if (::syncfs(place.folder.get()) != 0) return fail(errno_error("cannot sync the unpacked image", errno));
        return json::value(nullptr);
      },
      [&] { place.progress({.phase = "publish", .done_bytes = 0, .total_bytes = bytes}); });
  return end ? Status() : fail(end.error());
}

Result<ImageFetchResult> publish(Workplace& place, const CheckedImage& image, const SealedTree& tree) {
  ImageFetchResult result{.digest = image.manifest, .facts = image.facts};
  result.facts.unpacked_bytes = tree.bytes;
  for (std::string& note : notes_of(image.tally))
    result.facts.notes.push_back(std::move(note));
  if (tree.privileged > 0)
    result.facts.notes.push_back(fmt::format("setuid bits or capabilities were taken from {} file{}, since they have no effect in a sandbox", tree.privileged,
                                             tree.privileged == 1 ? "" : "s"));
  if (!place.as_owner) result.facts.notes.emplace_back("unpacked without root: all files belong to the server's user");
  if (!result.facts.has_program()) result.facts.notes.emplace_back("it has no entrypoint and no command: it cannot be deployed");
  place.progress({.phase = "publish", .done_bytes = 0, .total_bytes = tree.bytes});
  std::vector<domain::Digest> blobs = {image.manifest, image.facts.config_digest};
  for (const domain::ImageLayer& layer : image.facts.layers)
    blobs.push_back(layer.digest);
  std::ranges::sort(blobs);
  const auto doubles = std::ranges::unique(blobs);
  blobs.erase(doubles.begin(), doubles.end());
  for (const domain::Digest& blob : blobs) {
    if (place.reused.contains(blob)) continue;
    if (Status published = place.store.publish_blob(place.staged("work/layout/blobs/sha256/" + blob.hex()), blob); !published) return fail(published.error());
  }
  if (Status synced = sync_all(place, tree.bytes); !synced) return fail(synced.error());
  if (Status published = place.store.publish_root(place.staged("tree/root"), image.manifest); !published) return fail(published.error());
  place.progress({.phase = "publish", .done_bytes = tree.bytes, .total_bytes = tree.bytes});
  result.missing_layers.assign(place.missing_layers.begin(), place.missing_layers.end());
  return result;
}

}  // namespace

Result<ImageFetchResult> run_image_fetch(const ImageFetchRequest& request, Fd store, const std::function<void(const FetchProgress&)>& progress) {
  const Result<ImageSource> source = parse_image_source(request.source);
  if (!source) return fail(source.error());
  // Names in archives are UTF-8 as a rule, and libarchive asks the locale. Its children cannot load one any more.
  std::setlocale(LC_CTYPE, "C.UTF-8");
  // The tools must not have it: it belongs to the mounts in which everything can be changed.
  if (::fcntl(store.get(), F_SETFD, FD_CLOEXEC) != 0) return fail(errno_error("cannot prepare the image store", errno));
  if (Status dropped = keep_rights_of_children(); !dropped) return fail(dropped.error());
  Result<ImageStore> opened = ImageStore::adopt(std::move(store));
  if (!opened) return fail(opened.error());
  Workplace place(request, std::move(*opened), progress);
  if (Status prepared = place.prepare(); !prepared) return fail(prepared.error());
  if (Status brought = bring_image(place, *source); !brought) return fail(brought.error());
  const Result<CheckedImage> image = check(place);
  if (!image) return fail(image.error());
  if (Status unpacked = unpack(place, *image); !unpacked) return fail(unpacked.error());
  const Result<SealedTree> tree = seal(place);
  if (!tree) return fail(tree.error());
  return publish(place, *image, *tree);
}

}  // namespace ebb::registry
