// Made at the beginning, removed at the end.
#include "registry/image_workplace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "registry/files.h"
#include "registry/staged_file.h"
#include "registry/tree.h"

namespace ebb::registry {

namespace {

// Accepts every image: what is trusted is decided by digests and by who may add images, not by signatures.
constexpr std::string_view kPolicy = R"({"default":[{"type":"insecureAcceptAnything"}]})";

Status write_file(int folder, const char* name, std::string_view text) {
  const Result<Fd> file = open_beneath(folder, name, O_WRONLY | O_CREAT | O_EXCL, 0600);
  if (!file) return fail(file.error());
  if (::write(file->get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
    return fail(errno_error("cannot write to the staging folder", errno));
  return {};
}

}  // namespace

Workplace::~Workplace() {
  if (!folder_name_.empty()) static_cast<void>(remove_tree(store.staging(), folder_name_));
}

Status Workplace::note_missing(const std::vector<std::string>& layers) {
  missing_layers.insert(layers.begin(), layers.end());
  if (!request.require_confinement || missing_layers.empty()) return {};
  return fail(ErrorKind::kUnavailable, fmt::format("the fetcher would not be wholly confined: this machine lacks {}", *missing_layers.begin()));
}

Result<json::value> Workplace::task(const ChildRights& rights, const std::function<Result<json::value>()>& job) {
  Result<TaskEnd> end = run_task(rights, job);
  if (!end) return fail(end.error());
  if (Status confined = note_missing(end->missing_layers); !confined) return fail(confined.error());
  return std::move(end->result);
}

Result<ProgramEnd> Workplace::program(const ProgramRun& run, const std::function<Status(uint64_t)>& look) {
  Result<ProgramEnd> end = run_program(run, look);
  if (!end) return end;
  if (Status confined = note_missing(end->missing_layers); !confined) return fail(confined.error());
  return end;
}

Status Workplace::has_room(uint64_t wanted) const {
  const Result<uint64_t> free = store.free_bytes();
  if (!free) return fail(free.error());
  if (*free > kDiskReserveBytes && *free - kDiskReserveBytes >= wanted) return {};
  return fail(ErrorKind::kExhausted, fmt::format("the disk has not enough room for the image: {} MiB are free", *free >> 20U), "source");
}

Status Workplace::prepare() {
  Result<std::string> found_skopeo = find_program("skopeo");
  if (!found_skopeo) return fail(found_skopeo.error());
  Result<std::string> found_umoci = find_program("umoci");
  if (!found_umoci) return fail(found_umoci.error());
  skopeo = std::move(*found_skopeo);
  umoci = std::move(*found_umoci);
  Result<std::string> name = store.new_staging();
  if (!name) return fail(name.error());
  folder_name_ = std::move(*name);
  Result<Fd> opened = open_beneath(store.staging(), folder_name_, O_RDONLY | O_DIRECTORY);
  if (!opened) return fail(opened.error());
  folder = std::move(*opened);
  Result<Fd> made_source = open_or_make_directory(folder.get(), "source");
  if (!made_source) return fail(made_source.error());
  source = std::move(*made_source);
  Result<Fd> made_work = open_or_make_directory(folder.get(), "work");
  if (!made_work) return fail(made_work.error());
  work = std::move(*made_work);
  Result<Fd> made_layout = open_or_make_directory(work.get(), "layout");
  if (!made_layout) return fail(made_layout.error());
  layout = std::move(*made_layout);
  if (Status written = write_file(source.get(), "policy.json", kPolicy); !written) return written;
  return write_file(source.get(), "registries.conf", "");
}

}  // namespace ebb::registry
