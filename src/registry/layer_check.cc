// Two readers of libarchive: one unpacks the compression, the other reads the archive from what comes out. Bytes are hashed on both sides.
#include "registry/layer_check.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "registry/sha256.h"

namespace ebb::registry {

namespace {

constexpr size_t kChunkBytes = 256 * 1024;
// The rest of a block, and the two blocks that end an archive.
constexpr std::array<uint8_t, 2048> kZeros{};

struct ArchiveFree {
  void operator()(archive* reader) const { archive_read_free(reader); }
};
using Reader = std::unique_ptr<archive, ArchiveFree>;

LayerEntry::Type type_of(archive_entry* entry) {
  if (archive_entry_hardlink(entry) != nullptr) return LayerEntry::Type::kHardLink;
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG: return LayerEntry::Type::kFile;
    case AE_IFDIR: return LayerEntry::Type::kFolder;
    case AE_IFLNK: return LayerEntry::Type::kSymlink;
    case AE_IFCHR:
    case AE_IFBLK:
    case AE_IFIFO:
    case AE_IFSOCK: return LayerEntry::Type::kNode;
    default: return LayerEntry::Type::kOther;
  }
}

std::string text_of(const char* text) { return text == nullptr ? std::string() : std::string(text); }

LayerEntry read_entry(archive_entry* entry) {
  LayerEntry out{.type = type_of(entry), .path = text_of(archive_entry_pathname(entry))};
  if (out.type == LayerEntry::Type::kHardLink) out.target = text_of(archive_entry_hardlink(entry));
  if (out.type == LayerEntry::Type::kSymlink) out.target = text_of(archive_entry_symlink(entry));
  if (out.type == LayerEntry::Type::kFile) out.bytes = static_cast<uint64_t>(archive_entry_size(entry));
  out.mode = archive_entry_perm(entry);
  out.user = archive_entry_uid(entry);
  out.group = archive_entry_gid(entry);
  archive_entry_xattr_reset(entry);
  const char* name = nullptr;
  const void* value = nullptr;
  size_t bytes = 0;
  while (archive_entry_xattr_next(entry, &name, &value, &bytes) == ARCHIVE_OK && name != nullptr)
    out.attributes.emplace_back(name);
  return out;
}

class LayerReader {
 public:
  LayerReader(int blob, const domain::ImageLayer& layer, LayerTally& tally, const std::function<void(uint64_t)>& passed)
      : blob_(blob), layer_(layer), tally_(tally), passed_(passed) {}

  Status run(const domain::Digest& diff_id);

 private:
  Status open();
  Status read_entries();
  Status drain();
  Error broken(archive* reader) const;
  static la_ssize_t on_blob(archive* reader, void* self, const void** bytes);
  static la_ssize_t on_unpacked(archive* reader, void* self, const void** bytes);
  la_ssize_t next_unpacked();

  int blob_;
  const domain::ImageLayer& layer_;
  LayerTally& tally_;
  const std::function<void(uint64_t)>& passed_;
  Sha256 blob_hash_;
  Sha256 unpacked_hash_;
  uint64_t blob_bytes_ = 0;
  uint64_t unpacked_bytes_ = 0;
  uint64_t file_bytes_ = 0;  // of this layer, holes filled
  bool ended_ = false;       // nothing more comes out of the compression
  bool padded_ = false;
  std::vector<uint8_t> chunk_ = std::vector<uint8_t>(kChunkBytes);
  std::vector<uint8_t> unpacked_ = std::vector<uint8_t>(kChunkBytes);
  Reader outer_{archive_read_new()};
  Reader inner_{archive_read_new()};
  std::optional<Error> error_;  // what a callback met
};

Error LayerReader::broken(archive* reader) const {
  if (error_) return *error_;
  const char* const why = archive_error_string(reader);
  return {.kind = ErrorKind::kCorrupt,
          .message = fmt::format("the image's layer sha256:{} is damaged: {}", layer_.digest.hex(), why == nullptr ? "it cannot be read" : why),
          .param = "source"};
}

la_ssize_t LayerReader::on_blob(archive* /*reader*/, void* self, const void** bytes) {
  auto* reader = static_cast<LayerReader*>(self);
  ssize_t got = -1;
  do {
    got = ::read(reader->blob_, reader->chunk_.data(), reader->chunk_.size());
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    reader->error_ = errno_error("cannot read a layer", errno);
    return ARCHIVE_FATAL;
  }
  reader->blob_hash_.update({reader->chunk_.data(), static_cast<size_t>(got)});
  reader->blob_bytes_ += static_cast<uint64_t>(got);
  reader->passed_(reader->blob_bytes_);
  *bytes = reader->chunk_.data();
  return got;
}

la_ssize_t LayerReader::next_unpacked() {
  const la_ssize_t got = archive_read_data(outer_.get(), unpacked_.data(), unpacked_.size());
  if (got < 0) {
    error_ = broken(outer_.get());
    return ARCHIVE_FATAL;
  }
  ended_ = got == 0;
  unpacked_hash_.update({unpacked_.data(), static_cast<size_t>(got)});
  unpacked_bytes_ += static_cast<uint64_t>(got);
  if (Status sane = judge_ratio(unpacked_bytes_, layer_.bytes); !sane) {
    error_ = sane.error();
    return ARCHIVE_FATAL;
  }
  return got;
}

la_ssize_t LayerReader::on_unpacked(archive* /*reader*/, void* self, const void** bytes) {
  auto* reader = static_cast<LayerReader*>(self);
  *bytes = reader->unpacked_.data();
  const la_ssize_t got = reader->ended_ ? 0 : reader->next_unpacked();
  if (got != 0 || std::exchange(reader->padded_, true)) return got;
  // Archives by umoci end with the last byte of their last file, without the zeros that belong behind it. Its own reader takes that.
  *bytes = kZeros.data();
  return static_cast<la_ssize_t>(kZeros.size());
}

Status LayerReader::open() {
  if (!outer_ || !inner_) return fail(ErrorKind::kExhausted, "memory is out");
  archive_read_support_filter_gzip(outer_.get());
  archive_read_support_filter_zstd(outer_.get());
  archive_read_support_format_raw(outer_.get());
  archive_read_support_format_empty(outer_.get());
  if (archive_read_open(outer_.get(), this, nullptr, &LayerReader::on_blob, nullptr) != ARCHIVE_OK) return fail(broken(outer_.get()));
  archive_entry* whole = nullptr;
  const int begun = archive_read_next_header(outer_.get(), &whole);
  ended_ = begun == ARCHIVE_EOF;
  if (!ended_ && begun != ARCHIVE_OK && begun != ARCHIVE_WARN) return fail(broken(outer_.get()));
  return {};
}

Status LayerReader::read_entries() {
  archive_read_support_format_tar(inner_.get());
  archive_read_support_format_empty(inner_.get());
  if (archive_read_open(inner_.get(), this, nullptr, &LayerReader::on_unpacked, nullptr) != ARCHIVE_OK) return fail(broken(inner_.get()));
  for (;;) {
    archive_entry* entry = nullptr;
    const int got = archive_read_next_header(inner_.get(), &entry);
    if (got == ARCHIVE_EOF) return {};
    // A warning is a name in another character set, which is read as it is.
    if (got != ARCHIVE_OK && got != ARCHIVE_WARN) return fail(broken(inner_.get()));
    const LayerEntry read = read_entry(entry);
    if (Status sound = judge_entry(read, tally_); !sound) return sound;
    file_bytes_ += read.bytes;
    if (Status sane = judge_ratio(file_bytes_, layer_.bytes); !sane) return sane;
  }
}

// What stands behind the archive's end belongs to the digests too.
Status LayerReader::drain() {
  while (!ended_) {
    if (next_unpacked() < 0) return fail(*error_);
  }
  const void* bytes = nullptr;
  la_ssize_t got = 0;
  do {
    got = on_blob(nullptr, this, &bytes);
  } while (got > 0);
  return got < 0 ? Status(fail(*error_)) : Status();
}

Status LayerReader::run(const domain::Digest& diff_id) {
  if (Status opened = open(); !opened) return opened;
  if (!ended_) {
    if (Status read = read_entries(); !read) return read;
  }
  if (Status drained = drain(); !drained) return drained;
  if (blob_bytes_ != layer_.bytes || blob_hash_.finish() != layer_.digest)
    return fail(ErrorKind::kCorrupt, fmt::format("the image's layer sha256:{} is not what its digest says: it was damaged or exchanged", layer_.digest.hex()),
                "source");
  if (unpacked_hash_.finish() != diff_id)
    return fail(ErrorKind::kCorrupt, fmt::format("the image's layer sha256:{} unpacks to something else than its configuration says", layer_.digest.hex()),
                "source");
  return {};
}

}  // namespace

Status check_layer(int blob, const domain::ImageLayer& layer, const domain::Digest& diff_id, LayerTally& tally, const std::function<void(uint64_t)>& passed) {
  return LayerReader(blob, layer, tally, passed).run(diff_id);
}

}  // namespace ebb::registry
