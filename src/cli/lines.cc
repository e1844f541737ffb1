// Cutting without copying what is whole already.
#include "cli/lines.h"

namespace ebb::cli {

bool LineSplitter::feed(std::string_view bytes) {
  while (!ended_ && !bytes.empty()) {
    const size_t end = bytes.find('\n');
    const std::string_view part = bytes.substr(0, end);
    if (partial_.size() + part.size() > kLineBytesMax) {
      too_long_ = ended_ = true;
      break;
    }
    if (end == std::string_view::npos) {
      partial_ += part;
      break;
    }
    std::string_view line = part;
    if (!partial_.empty()) line = partial_ += part;
    if (line.ends_with('\r')) line.remove_suffix(1);
    ended_ = !take_(line);
    partial_.clear();
    bytes.remove_prefix(end + 1);
  }
  return !ended_;
}

bool LineSplitter::finish() {
  if (!ended_ && !partial_.empty()) feed("\n");
  return !ended_;
}

std::optional<std::string_view> sse_data(std::string_view line) {
  if (!line.starts_with("data:")) return std::nullopt;
  line.remove_prefix(5);
  if (line.starts_with(' ')) line.remove_prefix(1);
  return line;
}

}  // namespace ebb::cli
