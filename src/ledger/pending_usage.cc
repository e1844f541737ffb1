// Frames of size, checksum and fields. A size of zero ends a half; it is written before the frame that it will follow, and a frame's own size last.
#include "ledger/pending_usage.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string>
#include <utility>

#include "store/checksum.h"

namespace ebb::ledger {

namespace {

using Size = uint32_t;
constexpr size_t kPageBytes = 4096;
constexpr size_t kHeadBytes = sizeof(Size) + sizeof(int64_t);

class Writer {
 public:
  Writer& add(int64_t value) {
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
    return *this;
  }
  Writer& add(std::string_view text) {
    add(static_cast<int64_t>(text.size()));
    bytes_ += text;
    return *this;
  }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

class Reader {
 public:
  explicit Reader(std::string_view bytes) : bytes_(bytes) {}
  int64_t integer() {
    int64_t value = 0;
    if (bytes_.size() < sizeof value) return fail();
    std::memcpy(&value, bytes_.data(), sizeof value);
    bytes_.remove_prefix(sizeof value);
    return value;
  }
  std::string text() {
    const auto size = static_cast<uint64_t>(integer());
    if (size > bytes_.size()) return std::to_string(fail());
    std::string text(bytes_.substr(0, size));
    bytes_.remove_prefix(size);
    return text;
  }
  bool at_end() const { return bytes_.empty(); }
  bool ok() const { return ok_; }

 private:
  int64_t fail() {
    ok_ = false;
    return 0;
  }
  std::string_view bytes_;
  bool ok_ = true;
};

std::string to_bytes(const domain::UsageRecord& r) {
  Writer out;
  out.add(static_cast<int64_t>(r.call.value)).add(r.endpoint).add(static_cast<int64_t>(r.revision.value)).add(r.ended.time_since_epoch().count());
  out.add(to_string(r.tier)).add(to_string(r.outcome)).add(r.queued.count()).add(r.start.count()).add(r.busy.count()).add(r.first_byte.count());
  out.add(r.total.count())
      .add(r.billed_ms)
      .add(r.memory_mib)
      .add(r.cost)
      .add(r.prompt_tokens)
      .add(r.completion_tokens)
      .add(r.tenant)
      .add(r.key)
      .add(r.prices)
      .add(r.list_cost);
  return out.bytes();
}

std::optional<domain::UsageRecord> from_bytes(std::string_view bytes) {
  Reader in(bytes);
  domain::UsageRecord r;
  r.call = CallId{static_cast<uint64_t>(in.integer())};
  r.endpoint = in.text();
  r.revision = RevisionId{static_cast<uint64_t>(in.integer())};
  r.ended = WallTime(milliseconds(in.integer()));
  const Result<domain::Tier> tier = domain::parse_tier(in.text());
  const Result<domain::Outcome> outcome = domain::parse_outcome(in.text());
  for (nanoseconds* const time : {&r.queued, &r.start, &r.busy, &r.first_byte, &r.total})
    *time = nanoseconds(in.integer());
  for (int64_t* const number : {&r.billed_ms, &r.memory_mib, &r.cost, &r.prompt_tokens, &r.completion_tokens})
    *number = in.integer();
  r.tenant = in.text();
  r.key = in.text();
  // A server of an earlier version wrote neither.
  r.prices = in.at_end() ? 0 : in.integer();
  r.list_cost = in.at_end() ? r.cost : in.integer();
  if (!in.ok() || !tier || !outcome) return std::nullopt;
  r.tier = *tier;
  r.outcome = *outcome;
  return r;
}

Size size_at(const char* at) {
  Size size = 0;
  std::memcpy(&size, at, sizeof size);
  return size;
}

// Blocks that were only reserved are marked as written by the first sync that writes to them, which costs a commit of the file system's journal. Page by page:
// what is written at once may be kept as one, and a sync would write all of it for a record in it.
Status extend_with_zeros(int file, size_t bytes_now, size_t bytes) {
  const std::string zeros(kPageBytes, '\0');
  for (size_t done = bytes_now; done < bytes;) {
    const ssize_t count = ::pwrite(file, zeros.data(), std::min(zeros.size(), bytes - done), static_cast<off_t>(done));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      const Error error = errno_error("reserve the file of pending usage records", errno);
      (void)::ftruncate(file, static_cast<off_t>(bytes_now));  // the space is somebody else's
      return fail(error);
    }
    done += static_cast<size_t>(count);
  }
  return {};
}

int64_t checksum_of(std::string_view bytes) { return store::Checksum().add(bytes).value(); }

}  // namespace

Result<PendingUsage> PendingUsage::open(const std::filesystem::path& file) {
  Fd fd(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) return fail(errno_error("open " + file.string(), errno));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail(errno_error("look at " + file.string(), errno));
  if (std::cmp_less(info.st_size, 2 * kHalfBytes)) {
    if (Status written = extend_with_zeros(fd.get(), static_cast<size_t>(info.st_size), 2 * kHalfBytes); !written) return fail(written.error());
  }
  void* const bytes = ::mmap(nullptr, 2 * kHalfBytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (bytes == MAP_FAILED) return fail(errno_error("map " + file.string(), errno));
  (void)::madvise(bytes, 2 * kHalfBytes, MADV_RANDOM);  // read page by page, for the same reason
  PendingUsage pending(std::move(fd), static_cast<char*>(bytes));
  // What is there is not appended to: it is written first.
  pending.used_ = {kHalfBytes, kHalfBytes};
  for (const int which : {0, 1}) {
    if (pending.empty(which)) pending.used_[static_cast<size_t>(which)] = 0;
  }
  pending.current_ = pending.used_[0] == 0 ? 0 : 1;
  return pending;
}

PendingUsage::PendingUsage(PendingUsage&& other) noexcept
    : file_(std::move(other.file_)), bytes_(std::exchange(other.bytes_, nullptr)), current_(other.current_), used_(other.used_) {}

PendingUsage::~PendingUsage() {
  if (bytes_ != nullptr) ::munmap(bytes_, 2 * kHalfBytes);
}

bool PendingUsage::empty(int which) const { return size_at(half(which).data()) == 0; }

void PendingUsage::clear(int which) {
  constexpr Size kEnd = 0;
  std::memcpy(half(which).data(), &kEnd, sizeof kEnd);
  used_[static_cast<size_t>(which)] = 0;
}

std::vector<domain::UsageRecord> PendingUsage::records() const {
  std::vector<domain::UsageRecord> all;
  for (const int which : {0, 1}) {
    std::span<char> rest = half(which);
    while (rest.size() > kHeadBytes) {
      const Size size = size_at(rest.data());
      if (size == 0 || size > rest.size() - kHeadBytes) break;
      int64_t checksum = 0;
      std::memcpy(&checksum, rest.data() + sizeof(Size), sizeof checksum);
      const std::string_view bytes(rest.data() + kHeadBytes, size);
      std::optional<domain::UsageRecord> record = checksum == checksum_of(bytes) ? from_bytes(bytes) : std::nullopt;
      if (!record) break;
      all.push_back(std::move(*record));
      rest = rest.subspan(kHeadBytes + size);
    }
  }
  return all;
}

bool PendingUsage::append(const domain::UsageRecord& record) {
  const std::string bytes = to_bytes(record);
  size_t& used = used_[static_cast<size_t>(current_)];
  if (used + kHeadBytes + bytes.size() + sizeof(Size) > kHalfBytes) return false;
  char* const at = half(current_).data() + used;
  const auto size = static_cast<Size>(bytes.size());
  const int64_t checksum = checksum_of(bytes);
  constexpr Size kEnd = 0;
  std::memcpy(at + kHeadBytes + size, &kEnd, sizeof kEnd);
  std::memcpy(at + sizeof(Size), &checksum, sizeof checksum);
  std::ranges::copy(bytes, at + kHeadBytes);
  // Whoever is killed here leaves a whole frame or none: the machine's memory goes on as it was.
  std::atomic_signal_fence(std::memory_order_release);
  std::memcpy(at, &size, sizeof size);
  used += kHeadBytes + size;
  return true;
}

Status PendingUsage::sync() const {
  if (::fdatasync(file_.get()) != 0) return fail(errno_error("sync the file of pending usage records", errno));
  return {};
}

void PendingUsage::begin_writing() {
  const int other = 1 - current_;
  if (used_[static_cast<size_t>(other)] == 0) current_ = other;
}

void PendingUsage::end_writing(bool appended) {
  clear(1 - current_);
  if (!appended) clear(current_);
}

}  // namespace ebb::ledger
