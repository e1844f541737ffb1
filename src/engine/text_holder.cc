// Holding back is decided at the end of the bytes only: the longest suffix that could still grow into something decides.
#include "engine/text_holder.h"

#include <algorithm>

#include "base/utf8.h"

namespace ebb::engine {

namespace {

// The longest suffix of `text` that begins the stop string, short of the whole of it.
size_t begun_stop(std::string_view text, std::string_view stop) {
  for (size_t length = std::min(text.size(), stop.size() - 1); length > 0; --length) {
    if (text.substr(text.size() - length) == stop.substr(0, length)) return length;
  }
  return 0;
}

}  // namespace

TextHolder::TextHolder(std::vector<std::string> stop) : stop_(std::move(stop)) {
  std::erase_if(stop_, [](const std::string& word) { return word.empty(); });
}

std::string TextHolder::add(std::string_view piece) {
  if (stopped_) return {};
  held_.append(piece);
  size_t first = std::string::npos;
  for (const std::string& stop : stop_)
    first = std::min(first, held_.find(stop));
  if (first != std::string::npos) {
    stopped_ = true;
    std::string before = give_out(first);
    held_.clear();
    return before;
  }
  size_t keep = unfinished_utf8(held_);
  for (const std::string& stop : stop_)
    keep = std::max(keep, begun_stop(held_, stop));
  // A stop string may begin inside the held bytes and itself end in an unfinished character; the longer of the two holds both.
  const size_t out = held_.size() - keep;
  return give_out(out - unfinished_utf8(std::string_view(held_).substr(0, out)));
}

std::string TextHolder::finish() {
  std::string rest = stopped_ ? std::string() : replace_invalid_utf8(held_);
  held_.clear();
  return rest;
}

std::string TextHolder::give_out(size_t bytes) {
  std::string out = replace_invalid_utf8(std::string_view(held_).substr(0, bytes));
  held_.erase(0, bytes);
  return out;
}

}  // namespace ebb::engine
