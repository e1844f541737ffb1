// By read(2), whose errors are values: a stream's iterator throws where a process ends while its file is read.
#include "instance/kernel_files.h"

#include <charconv>

#include "io/files.h"

namespace ebb::instance {

namespace {
constexpr size_t kTextBytesMax = 64 * 1024;
}  // namespace

std::string kernel_text(const std::filesystem::path& file) { return io::read_small_file(file, kTextBytesMax).value_or(""); }

std::optional<uint64_t> kernel_number(const std::filesystem::path& file) {
  const std::string text = kernel_text(file);
  uint64_t value = 0;
  if (std::from_chars(text.data(), text.data() + text.size(), value).ec != std::errc{}) return std::nullopt;
  return value;
}

}  // namespace ebb::instance
