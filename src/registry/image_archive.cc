// Names are compared, never joined to a path: what is written has one of the names that a layout has.
#include "registry/image_archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "domain/image.h"
#include "domain/limits.h"
#include "registry/files.h"
#include "registry/layer_policy.h"

namespace ebb::registry {

namespace {

constexpr size_t kChunkBytes = 256 * 1024;
constexpr uint64_t kEntriesMax = 100'000;
constexpr std::string_view kBlobs = "blobs/sha256/";

auto wrong(std::string why) { return fail(ErrorKind::kInvalid, std::move(why), "source"); }

struct ArchiveFree {
  void operator()(archive* reader) const { archive_read_free(reader); }
};

class Opening {
 public:
  Opening(int archive, int into, uint64_t archive_bytes, const std::function<void(uint64_t)>& passed)
      : archive_(archive), into_(into), archive_bytes_(archive_bytes), passed_(passed) {}
  Result<ArchiveKind> run();

 private:
  static la_ssize_t on_read(archive* reader, void* self, const void** bytes);
  Error broken() const;
  Status take(archive_entry* entry);
  Status write_to(const std::string& name);
  Result<ArchiveKind> kind() const;

  int archive_;
  int into_;
  uint64_t archive_bytes_;
  const std::function<void(uint64_t)>& passed_;
  std::unique_ptr<archive, ArchiveFree> reader_{archive_read_new()};
  std::vector<uint8_t> chunk_ = std::vector<uint8_t>(kChunkBytes);
  uint64_t read_ = 0;
  uint64_t written_ = 0;
  uint64_t entries_ = 0;
  bool has_layout_ = false;
  bool has_index_ = false;
  bool has_docker_manifest_ = false;
};

la_ssize_t Opening::on_read(archive* reader, void* self, const void** bytes) {
  auto* opening = static_cast<Opening*>(self);
  ssize_t got = -1;
  do {
    got = ::read(opening->archive_, opening->chunk_.data(), opening->chunk_.size());
  } while (got < 0 && errno == EINTR);
  if (got < 0) archive_set_error(reader, errno, "it cannot be read");
  opening->read_ += got > 0 ? static_cast<uint64_t>(got) : 0;
  opening->passed_(opening->read_);
  *bytes = opening->chunk_.data();
  return got;
}

Error Opening::broken() const {
  const char* const why = archive_error_string(reader_.get());
  if (entries_ == 0)
    return {
        .kind = ErrorKind::kInvalid,
        .message = "the file is neither a Docker nor an OCI archive: it is no tar archive. Write one with `docker save` or `skopeo copy … oci-archive:FILE`",
        .param = "source"};
  return {.kind = ErrorKind::kCorrupt, .message = fmt::format("the archive is damaged: {}", why == nullptr ? "it cannot be read" : why), .param = "source"};
}

Status Opening::write_to(const std::string& name) {
  const Fd file(::openat(into_, name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return fail(errno_error("cannot unpack the archive", errno));
  for (;;) {
    const void* bytes = nullptr;
    size_t size = 0;
    la_int64_t offset = 0;
    const int got = archive_read_data_block(reader_.get(), &bytes, &size, &offset);
    if (got == ARCHIVE_EOF) return {};
    if (got != ARCHIVE_OK) return fail(broken());
    written_ += size;
    if (written_ > domain::kImageBytesMax)
      return fail(ErrorKind::kTooLarge, fmt::format("the archive has more than {} GiB", domain::kImageBytesMax >> 30U), "source");
    if (Status sane = judge_ratio(written_, archive_bytes_); !sane) return sane;
    if (::pwrite(file.get(), bytes, size, offset) != static_cast<ssize_t>(size)) return fail(errno_error("cannot unpack the archive", errno));
  }
}

Status Opening::take(archive_entry* entry) {
  const char* const text = archive_entry_pathname(entry);
  std::string_view name = text == nullptr ? "" : text;
  while (name.starts_with("./"))
    name.remove_prefix(2);
  if (name == "manifest.json") has_docker_manifest_ = true;
  const bool is_file = archive_entry_filetype(entry) == AE_IFREG && archive_entry_hardlink(entry) == nullptr;
  if (!is_file) return {};
  if (name == "oci-layout" || name == "index.json") {
    (name == "index.json" ? has_index_ : has_layout_) = true;
    return write_to(std::string(name));
  }
  if (!name.starts_with(kBlobs)) return {};
  const auto digest = domain::parse_digest(name.substr(kBlobs.size()));
  if (!digest) return {};
  return write_to(std::string(kBlobs) + digest->hex());
}

Result<ArchiveKind> Opening::kind() const {
  if (has_layout_ && has_index_) return ArchiveKind::kOci;
  if (has_docker_manifest_) return ArchiveKind::kDocker;
  return wrong(
      "the file is neither a Docker nor an OCI archive: it has no manifest.json, and no oci-layout with an index.json. A root folder alone is no "
      "image; write one with `docker save` or `skopeo copy … oci-archive:FILE`");
}

Result<ArchiveKind> Opening::run() {
  if (!reader_) return fail(ErrorKind::kExhausted, "memory is out");
  archive_read_support_filter_gzip(reader_.get());
  archive_read_support_filter_zstd(reader_.get());
  archive_read_support_format_tar(reader_.get());
  if (archive_read_open(reader_.get(), this, nullptr, &Opening::on_read, nullptr) != ARCHIVE_OK) return fail(broken());
  for (;;) {
    archive_entry* entry = nullptr;
    const int got = archive_read_next_header(reader_.get(), &entry);
    if (got == ARCHIVE_EOF) return kind();
    if (got != ARCHIVE_OK && got != ARCHIVE_WARN) return fail(broken());
    if (++entries_ > kEntriesMax) return fail(ErrorKind::kTooLarge, fmt::format("the archive has more than {} entries", kEntriesMax), "source");
    if (Status taken = take(entry); !taken) return fail(taken.error());
  }
}

}  // namespace

Result<ArchiveKind> open_image_archive(int archive, int into, const std::function<void(uint64_t)>& passed) {
  const Result<struct stat> info = look_at(archive);
  if (!info) return fail(info.error());
  const Result<Fd> blobs = open_or_make_directory(into, "blobs");
  if (!blobs) return fail(blobs.error());
  if (const Result<Fd> inner = open_or_make_directory(blobs->get(), "sha256"); !inner) return fail(inner.error());
  return Opening(archive, into, static_cast<uint64_t>(info->st_size), passed).run();
}

}  // namespace ebb::registry
