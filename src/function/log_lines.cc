// Newlines, lengths and a rate.
#include "function/log_lines.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/utf8.h"
#include "domain/limits.h"

namespace ebb::function {

std::vector<std::string> LogLines::feed(std::string_view bytes, MonoTime now) {
  std::vector<std::string> lines;
  while (!bytes.empty()) {
    const size_t newline = bytes.find_first_of("\r\n");  // AWS's runtimes write a message of several lines with \r between them
    const size_t room = domain::kFunctionLogLineBytesMax - unfinished_.size();
    const size_t part = std::min({newline, bytes.size(), room});
    unfinished_ += bytes.substr(0, part);
    bytes.remove_prefix(part);
    if (part == newline) {
      bytes.remove_prefix(1);
    } else if (part < room) {
      break;
    }
    add(lines, std::exchange(unfinished_, {}), now);
  }
  return lines;
}

std::vector<std::string> LogLines::end() {
  std::vector<std::string> lines;
  say_left_out(lines);
  if (!unfinished_.empty()) add(lines, std::exchange(unfinished_, {}), second_began_ + seconds(2));
  return lines;
}

void LogLines::add(std::vector<std::string>& lines, std::string line, MonoTime now) {
  if (line.empty()) return;
  line = replace_invalid_utf8(line);
  last_words_ = line;
  if (now - second_began_ >= seconds(1)) {
    say_left_out(lines);
    second_began_ = now;
    in_this_second_ = 0;
  }
  if (++in_this_second_ > domain::kFunctionLogLinesPerSecondMax) {
    ++left_out_;
  } else {
    lines.push_back(std::move(line));
  }
}

void LogLines::say_left_out(std::vector<std::string>& lines) {
  if (left_out_ > 0) lines.push_back(fmt::format("({} lines were left out: more than {} in a second)", left_out_, domain::kFunctionLogLinesPerSecondMax));
  left_out_ = 0;
}

}  // namespace ebb::function
