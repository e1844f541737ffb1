// Chunks end at multiples of 2 MiB of the file, also after a resume in the middle of one.
#include "registry/staged_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "io/write_whole.h"
#include "registry/files.h"

namespace ebb::registry {

namespace {

constexpr uint64_t kChunkBytes = 2ULL << 20U;
// Spreads the sync over the download: one at the end could take longer than a watchdog waits.
constexpr uint64_t kSyncEveryBytes = 256ULL << 20U;

Error write_error(int errno_value) {
  Error error = errno_error("cannot write the model", errno_value);
  if (error.kind == ErrorKind::kExhausted) error.message = "the disk of the model store is full: make room and add the model again";
  return error;
}

}  // namespace

Result<StagedFile> StagedFile::open(const ContentStore& store, std::string name) {
  Result<Fd> file = open_beneath(store.staging(), name, O_RDWR | O_CREAT, 0600);
  if (!file) return fail(file.error());
  if (!try_lock(file->get())) return fail(ErrorKind::kExists, "the same model is being fetched already: wait for it to end");
  const Result<struct stat> info = look_at(file->get());
  if (!info) return fail(info.error());
  if (!S_ISREG(info->st_mode)) return fail(ErrorKind::kCorrupt, fmt::format("staging/{} is not a plain file: remove it", name));
  return StagedFile(store, std::move(name), std::move(*file), static_cast<uint64_t>(info->st_size));
}

StagedFile::StagedFile(StagedFile&& other) noexcept
    : store_(other.store_),
      name_(std::move(other.name_)),
      file_(std::move(other.file_)),
      bytes_(other.bytes_),
      buffer_(std::move(other.buffer_)),
      unsynced_(other.unsynced_),
      hash_(std::move(other.hash_)),
      at_end_(std::exchange(other.at_end_, AtEnd::kNothing)) {}

StagedFile::~StagedFile() {
  if (at_end_ == AtEnd::kKeep) static_cast<void>(flush());
  if (at_end_ == AtEnd::kRemove) ::unlinkat(store_->staging(), name_.c_str(), 0);
}

Status StagedFile::take_over(const std::function<void(uint64_t)>& progress) {
  EBB_CHECK(buffer_.empty());
  std::vector<uint8_t> chunk(kChunkBytes);
  for (uint64_t at = 0; at < bytes_;) {
    const ssize_t got = ::pread(file_.get(), chunk.data(), static_cast<size_t>(std::min(kChunkBytes, bytes_ - at)), static_cast<off_t>(at));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return fail(errno_error("cannot read the part that came before", got < 0 ? errno : EIO));
    hash_.update({chunk.data(), static_cast<size_t>(got)});
    at += static_cast<uint64_t>(got);
    progress(at);
  }
  return {};
}

Status StagedFile::restart() {
  if (::ftruncate(file_.get(), 0) != 0) return fail(write_error(errno));
  bytes_ = 0;
  buffer_.clear();
  hash_ = Sha256();
  return {};
}

Status StagedFile::reserve(uint64_t whole_bytes) {
  const Result<struct stat> info = look_at(file_.get());
  const Result<uint64_t> room = store_->free_bytes();
  if (!info) return fail(info.error());
  if (!room) return fail(room.error());
  const uint64_t has = static_cast<uint64_t>(info->st_blocks) * 512;
  const uint64_t needs = whole_bytes > has ? whole_bytes - has : 0;
  if (needs > 0 && (needs > *room || *room - needs < kDiskReserveBytes))
    return fail(ErrorKind::kTooLarge,
                fmt::format("the model has {} bytes but the disk of the model store has only {} free (and {} are left for other things)", whole_bytes, *room,
                            kDiskReserveBytes),
                "source");
  // The size stays what was written, since a resume goes by it. File systems that cannot preallocate do without.
  if (whole_bytes > 0 && ::fallocate(file_.get(), FALLOC_FL_KEEP_SIZE, 0, static_cast<off_t>(whole_bytes)) != 0 && (errno == ENOSPC || errno == EDQUOT))
    return fail(write_error(errno));
  return {};
}

Status StagedFile::write(std::span<const uint8_t> bytes) {
  hash_.update(bytes);
  while (!bytes.empty()) {
    const size_t room = static_cast<size_t>(kChunkBytes - bytes_ % kChunkBytes);
    const std::span<const uint8_t> now = bytes.first(std::min(room, bytes.size()));
    buffer_.insert(buffer_.end(), now.begin(), now.end());
    bytes_ += now.size();
    bytes = bytes.subspan(now.size());
    if (bytes_ % kChunkBytes != 0) continue;
    if (Status flushed = flush(); !flushed) return flushed;
  }
  return {};
}

Status StagedFile::flush() {
  const uint64_t start = bytes_ - buffer_.size();
  const std::string_view bytes(reinterpret_cast<const char*>(buffer_.data()), buffer_.size());
  if (const int wrong = io::write_whole_at(file_.get(), bytes, start); wrong != 0) return fail(write_error(wrong));
  unsynced_ += buffer_.size();
  buffer_.clear();
  if (unsynced_ < kSyncEveryBytes) return {};
  unsynced_ = 0;
  if (::fdatasync(file_.get()) != 0) return fail(write_error(errno));
  return {};
}

Result<domain::Digest> StagedFile::finish() {
  if (Status flushed = flush(); !flushed) return fail(flushed.error());
  // What was reserved beyond the end (a length that lied) goes back.
  if (::ftruncate(file_.get(), static_cast<off_t>(bytes_)) != 0) return fail(write_error(errno));
  return hash_.finish();
}

Status StagedFile::publish(const domain::Digest& digest) {
  if (Status published = store_->publish(name_, digest); !published) return published;
  at_end_ = AtEnd::kNothing;
  return {};
}

void StagedFile::keep() { at_end_ = AtEnd::kKeep; }

}  // namespace ebb::registry
