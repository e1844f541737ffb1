// Headers by pread, one after the other; data are never read here.
#include "registry/archive.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "domain/limits.h"
#include "registry/gguf_cursor.h"
#include "wire/package.h"

namespace ebb::registry {

namespace {

using Entries = std::map<std::string, ArchiveEntry, std::less<>>;
using Block = std::array<char, wire::kPackageBlockBytes>;

constexpr size_t kSizeAt = 124;
constexpr size_t kSumAt = 148;
constexpr size_t kKindAt = 156;
constexpr size_t kMagicAt = 257;
constexpr size_t kPrefixAt = 345;
constexpr uint64_t kPaxBytesMax = 64 * 1024;

// Octal digits between blanks and zeros.
std::optional<uint64_t> octal(std::string_view field) {
  const size_t from = field.find_first_not_of(' ');
  if (from == std::string_view::npos) return std::nullopt;
  field.remove_prefix(from);
  field = field.substr(0, field.find_first_of(std::string_view("\0 ", 2)));
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value, 8);
  if (error != std::errc{} || end != field.data() + field.size()) return std::nullopt;
  return value;
}

bool sum_holds(const Block& header) {
  uint64_t sum = 0;
  for (size_t i = 0; i < header.size(); ++i)
    sum += i >= kSumAt && i < kSumAt + 8 ? ' ' : static_cast<unsigned char>(header.at(i));
  return octal({header.data() + kSumAt, 8}) == sum;
}

class ArchiveReader {
 public:
  ArchiveReader(int fd, uint64_t bytes) : fd_(fd), bytes_(bytes) {}

  Result<Entries> read() {
    for (size_t headers = 0;; ++headers) {
      if (headers == kArchiveHeadersMax) return wrong(fmt::format("it has more than {} entries", kArchiveHeadersMax));
      const Result<bool> more = read_entry();
      if (!more) return fail(more.error());
      if (!*more) break;
    }
    strip_common_folder();
    return std::move(entries_);
  }

 private:
  std::unexpected<Error> wrong(std::string_view what) const {
    return fail(ErrorKind::kInvalid, fmt::format("not a sound archive: {} (at byte {})", what, at_), "source");
  }
  // False: the end.
  Result<bool> read_entry();
  Status add(std::string name, uint64_t size);
  Status check_pax(uint64_t size) const;
  void strip_common_folder();
  bool read_at(uint64_t at, std::span<char> into) const {
    return ::pread(fd_, into.data(), into.size(), static_cast<off_t>(at)) == static_cast<ssize_t>(into.size());
  }

  int fd_;
  uint64_t bytes_;
  uint64_t at_ = 0;
  Entries entries_;
};

Result<bool> ArchiveReader::read_entry() {
  Block header{};
  if (bytes_ - at_ < header.size() || !read_at(at_, header)) return wrong("it ends where a header must follow");
  if (std::ranges::all_of(header, [](char c) { return c == 0; })) return false;
  if (std::memcmp(header.data() + kMagicAt, "ustar", 5) != 0 || !sum_holds(header)) return wrong("there is no header of tar where one must be");
  const std::optional<uint64_t> size = octal({header.data() + kSizeAt, 12});
  const uint64_t left = bytes_ - at_ - header.size();
  if (!size || *size > left)
    return wrong(fmt::format("an entry claims {} bytes and {} are left", size ? fmt::to_string(*size) : "an unreadable number of", left));
  std::string name(header.data(), strnlen(header.data(), domain::kPackageNameBytesMax));
  const char kind = header.at(kKindAt);
  Status done;
  switch (kind) {
    case '0':
    case '\0':
      if (header.at(kPrefixAt) != 0 && std::memcmp(header.data() + kMagicAt, "ustar\0", 6) == 0)
        return wrong(fmt::format("{} has too long a path", quoted(name)));
      done = add(std::move(name), *size);
      break;
    case '5': break;  // folders are made by their files
    case 'x':
    case 'g': done = check_pax(*size); break;
    case '1':
    case '2': return wrong(fmt::format("{} is a link: put the file itself into the archive (tar --dereference --hard-dereference)", quoted(name)));
    case 'L':
    case 'K': return wrong("it has names of more than 100 bytes");
    default: return wrong(fmt::format("{} is neither a plain file nor a folder", quoted(name)));
  }
  if (!done) return fail(done.error());
  at_ += header.size() + (*size + wire::kPackageBlockBytes - 1) / wire::kPackageBlockBytes * wire::kPackageBlockBytes;
  // The last entry's padding may be missing.
  at_ = std::min(at_, bytes_);
  return true;
}

Status ArchiveReader::add(std::string name, uint64_t size) {
  while (name.starts_with("./"))
    name.erase(0, 2);
  if (!wire::is_package_name(name))
    return wrong(fmt::format("the name {} is not relative and plain, or has other characters than A-Z a-z 0-9 . _ - and /", quoted(name)));
  if (!entries_.emplace(name, ArchiveEntry{.at = at_ + wire::kPackageBlockBytes, .bytes = size}).second) return wrong(fmt::format("'{}' is in it twice", name));
  return {};
}

// Records of "length key=value\n". What changes how the next entry is read is refused; times and attributes do not matter.
Status ArchiveReader::check_pax(uint64_t size) const {
  if (size > kPaxBytesMax) return wrong("it has too large a pax header");
  std::string text(size, '\0');
  if (!read_at(at_ + wire::kPackageBlockBytes, text)) return wrong("its pax header cannot be read");
  for (std::string_view rest = text; !rest.empty();) {
    uint64_t length = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), length);
    const size_t digits = static_cast<size_t>(end - rest.data());
    if (error != std::errc{} || length > rest.size() || length < digits + 3 || rest[digits] != ' ' || rest[length - 1] != '\n')
      return wrong("its pax header is not sound");
    const std::string_view record = rest.substr(digits + 1, length - digits - 2);
    const std::string_view key = record.substr(0, record.find('='));
    if (key == "path" || key == "size" || key == "linkpath" || key.starts_with("GNU.sparse") || key == "hdrcharset")
      return wrong(fmt::format("a pax header says {} for it: write it with `tar --format=ustar`", quoted(key)));
    rest.remove_prefix(length);
  }
  return {};
}

void ArchiveReader::strip_common_folder() {
  if (entries_.empty()) return;
  const std::string& first = entries_.begin()->first;
  const std::string folder = first.substr(0, first.find('/') + 1);
  if (folder.empty() || !std::ranges::all_of(entries_, [&](const auto& entry) { return entry.first.starts_with(folder); })) return;
  Entries stripped;
  for (const auto& [name, entry] : entries_)
    stripped.emplace(name.substr(folder.size()), entry);
  entries_ = std::move(stripped);
}

}  // namespace

bool looks_like_archive(std::span<const uint8_t> head) {
  return head.size() >= wire::kPackageBlockBytes && std::memcmp(head.data() + kMagicAt, "ustar", 5) == 0;
}

Result<Entries> read_archive(int fd, uint64_t bytes) { return ArchiveReader(fd, bytes).read(); }

}  // namespace ebb::registry
