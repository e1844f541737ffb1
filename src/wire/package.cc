// A header is read by writing what it must be and comparing: nothing in it is left to interpretation.
#include "wire/package.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/check.h"
#include "domain/limits.h"

namespace ebb::wire {

namespace {

constexpr size_t kEndBlocks = 2;
// Where the fields of a header stand, and how long they are.
constexpr size_t kSizeAt = 124;
constexpr size_t kNumberBytes = 12;
constexpr size_t kSumAt = 148;
constexpr size_t kSumBytes = 8;

std::unexpected<Error> wrong(uint64_t at, std::string_view what) {
  return fail(ErrorKind::kInvalid, fmt::format("not a sound model package: {} (at byte {})", what, at), "source");
}

bool is_zero(std::span<const char> bytes) {
  return std::ranges::all_of(bytes, [](char c) { return c == 0; });
}

void put(std::string& header, size_t at, std::string_view text) { header.replace(at, text.size(), text); }

std::string_view name_in(std::span<const char> header) {
  const std::string_view field(header.data(), domain::kPackageNameBytesMax);
  return field.substr(0, field.find('\0'));
}

std::optional<uint64_t> size_in(std::span<const char> header) {
  uint64_t size = 0;
  for (const char c : header.subspan(kSizeAt, kNumberBytes - 1)) {
    if (c < '0' || c > '7') return std::nullopt;
    size = size * 8 + static_cast<uint64_t>(c - '0');
  }
  return size;
}

bool is_part(std::string_view part) {
  return !part.empty() && part != "." && part != ".." && std::ranges::all_of(part, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

class PackageReader {
 public:
  explicit PackageReader(std::span<const char> bytes) : bytes_(bytes) {}

  Result<Package> read() {
    while (true) {
      const Result<bool> more = read_entry();
      if (!more) return fail(more.error());
      if (!*more) break;
    }
    if (count_ < 2) return wrong(at_, fmt::format("it has no '{}'", count_ == 0 ? kManifestEntry : kModelEntry));
    return std::move(package_);
  }

 private:
  // False: the end was read.
  Result<bool> read_entry();
  Status check_order(std::string_view name) const;
  Status check_end() const;

  std::span<const char> bytes_;
  uint64_t at_ = 0;
  size_t count_ = 0;
  std::string last_;  // the name before, of the sorted ones
  Package package_;
};

Result<bool> PackageReader::read_entry() {
  if (bytes_.size() - at_ < kPackageBlockBytes) return wrong(at_, "it ends where a header must follow");
  const std::span<const char> header = bytes_.subspan(at_, kPackageBlockBytes);
  if (is_zero(header)) {
    if (Status end = check_end(); !end) return fail(end.error());
    return false;
  }
  if (count_ == domain::kPackageEntriesMax) return wrong(at_, fmt::format("it has more than {} entries", domain::kPackageEntriesMax));
  const std::string_view name = name_in(header);
  if (!is_package_name(name)) return wrong(at_, "the name of an entry has other characters than A-Z a-z 0-9 . _ - /, or is not relative and plain");
  if (Status ordered = check_order(name); !ordered) return fail(ordered.error());
  const std::optional<uint64_t> size = size_in(header);
  if (!size) return wrong(at_ + kSizeAt, fmt::format("the size of '{}' is not a number of 11 octal digits", name));
  if (std::string_view(header.data(), header.size()) != entry_header(name, *size))
    return wrong(at_, fmt::format("the header of '{}' is not that of a plain file as a package has it: add the folder instead", name));
  const uint64_t padding = entry_padding(*size).size();
  const uint64_t left = bytes_.size() - at_ - kPackageBlockBytes;
  if (*size > left || padding > left - *size) return wrong(at_, fmt::format("'{}' claims {} bytes and {} are left", name, *size, left));
  at_ += kPackageBlockBytes;
  package_.entries.emplace(name, bytes_.subspan(at_, *size));
  if (!is_zero(bytes_.subspan(at_ + *size, padding))) return wrong(at_ + *size, fmt::format("what follows '{}' is not padding", name));
  at_ += *size + padding;
  if (count_ >= 2) last_ = name;
  ++count_;
  return true;
}

Status PackageReader::check_order(std::string_view name) const {
  if (package_.find(name) != nullptr) return wrong(at_, fmt::format("'{}' is in it twice", name));
  if (count_ == 0 && name != kManifestEntry) return wrong(at_, fmt::format("it begins with '{}' instead of '{}'", name, kManifestEntry));
  if (count_ == 1 && name != kModelEntry) return wrong(at_, fmt::format("'{}' follows its manifest instead of '{}'", name, kModelEntry));
  if (count_ > 2 && name < last_) return wrong(at_, fmt::format("'{}' comes behind '{}': files are in the order of their names", name, last_));
  return {};
}

Status PackageReader::check_end() const {
  const std::span<const char> rest = bytes_.subspan(at_);
  if (rest.size() != kEndBlocks * kPackageBlockBytes || !is_zero(rest))
    return wrong(at_, fmt::format("it must end with {} bytes of zeros", kEndBlocks * kPackageBlockBytes));
  return {};
}

}  // namespace

const std::span<const char>* Package::find(std::string_view name) const {
  const auto found = entries.find(name);
  return found == entries.end() ? nullptr : &found->second;
}

Result<Package> read_package(std::span<const char> bytes) { return PackageReader(bytes).read(); }

bool is_package_name(std::string_view name) {
  if (name.empty() || name.size() > domain::kPackageNameBytesMax) return false;
  for (;;) {
    const size_t slash = name.find('/');
    if (!is_part(name.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    name.remove_prefix(slash + 1);
  }
}

std::string entry_header(std::string_view name, uint64_t bytes) {
  EBB_CHECK(is_package_name(name) && bytes <= kPackageEntryBytesMax);
  std::string header(kPackageBlockBytes, '\0');
  put(header, 0, name);
  put(header, 100, "0000444");  // mode
  put(header, 108, "0000000");  // user
  put(header, 116, "0000000");  // group
  put(header, kSizeAt, fmt::format("{:011o}", bytes));
  put(header, 136, "00000000000");  // time
  put(header, 156, "0");            // a plain file
  put(header, 257,
      std::string_view("ustar\0"
                       "00",
                       8));
  put(header, 329, "0000000");  // device
  put(header, 337, "0000000");
  // The sum of all bytes, this field taken as blanks.
  put(header, kSumAt, std::string(kSumBytes, ' '));
  unsigned sum = 0;
  for (const char c : header)
    sum += static_cast<unsigned char>(c);
  put(header, kSumAt, fmt::format("{:06o}", sum));
  header[kSumAt + 6] = '\0';
  return header;
}

std::string entry_padding(uint64_t bytes) { return std::string((kPackageBlockBytes - bytes % kPackageBlockBytes) % kPackageBlockBytes, '\0'); }

std::string package_end() { return std::string(kEndBlocks * kPackageBlockBytes, '\0'); }

}  // namespace ebb::wire
