// Bytes as they arrive, cut into lines; and server-sent events, of which only the data matters here. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace ebb::cli {

inline constexpr size_t kLineBytesMax = 1024 * 1024;

// Gives whole lines without their ends (\n or \r\n) to `take`; false from it, or a line over kLineBytesMax, ends the feeding.
class LineSplitter {
 public:
  using Take = std::function<bool(std::string_view line)>;
  explicit LineSplitter(Take take) : take_(std::move(take)) {}
  // False once the feeding has ended.
  bool feed(std::string_view bytes);
  // At the end of the stream: a last line without an end.
  bool finish();
  bool too_long() const { return too_long_; }

 private:
  Take take_;
  std::string partial_;
  bool ended_ = false;
  bool too_long_ = false;
};

// The payload of a "data:" line; nullopt for comments, other fields and blank lines. Every event here is of one data line.
std::optional<std::string_view> sse_data(std::string_view line);

}  // namespace ebb::cli
