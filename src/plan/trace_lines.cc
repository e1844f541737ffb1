// A buffer of two of the longest lines: one always fits, and little is moved.
#include "plan/trace_lines.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "plan/trace_call.h"

namespace ebb::plan {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr size_t kShownBytesMax = 40;

}  // namespace

Result<TraceLines> TraceLines::open(const std::string& file) {
  Fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail(errno_error(fmt::format("cannot open the trace {}", file), errno));
  return TraceLines(std::move(fd), file);
}

TraceLines::TraceLines(Fd fd, std::string file) : fd_(std::move(fd)), file_(std::move(file)), buffer_(2 * (kTraceLineBytesMax + 2)) {}

Status TraceLines::refill() {
  std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
  end_ -= begin_;
  begin_ = 0;
  ssize_t got = 0;
  do
    got = ::read(fd_.get(), buffer_.data() + end_, buffer_.size() - end_);
  while (got < 0 && errno == EINTR);
  if (got < 0) return fail(errno_error(fmt::format("cannot read the trace {}", file_), errno));
  over_ = got == 0;
  end_ += static_cast<size_t>(got);
  return {};
}

Result<std::optional<std::string_view>> TraceLines::take() {
  size_t searched = 0;
  for (;;) {
    const char* from = buffer_.data() + begin_;
    const size_t length = end_ - begin_;
    const auto* found = static_cast<const char*>(std::memchr(from + searched, '\n', length - searched));
    if (found == nullptr && !over_ && length <= kTraceLineBytesMax + 1) {
      searched = length;
      if (Status read = refill(); !read) return fail(read.error());
      continue;
    }
    if (found == nullptr && length == 0) return std::nullopt;
    ++number_;
    std::string_view line(from, found == nullptr ? length : static_cast<size_t>(found - from));
    begin_ += line.size() + (found == nullptr ? 0 : 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (number_ == 1 && line.starts_with(kByteOrderMark)) line.remove_prefix(kByteOrderMark.size());
    return line;
  }
}

Result<std::optional<std::string_view>> TraceLines::next() {
  for (;;) {
    Result<std::optional<std::string_view>> line = take();
    if (!line || !*line) return line;
    if ((*line)->size() > kTraceLineBytesMax) return refuse(fmt::format("the line is longer than {} bytes", kTraceLineBytesMax), ErrorKind::kTooLarge);
    if (const size_t nul = (*line)->find('\0'); nul != std::string_view::npos) return refuse(fmt::format("a NUL byte at byte {}: this is no text", nul + 1));
    if (!(*line)->empty()) return line;
  }
}

std::unexpected<Error> TraceLines::refuse(std::string_view what, ErrorKind kind) const {
  return fail(kind, fmt::format("{}, line {}: {}", file_, number_, what));
}

std::string shown(std::string_view text) {
  std::string out(text.substr(0, kShownBytesMax));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  if (text.size() > kShownBytesMax) out += "…";
  return out;
}

}  // namespace ebb::plan
