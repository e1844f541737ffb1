// A mark is a number between two characters of the private use area; those characters themselves are protected too.
#include "engine_llama/special_text.h"

#include <algorithm>
#include <charconv>

namespace ebb::engine_llama {

namespace {

constexpr std::string_view kOpen = "\xEE\x80\x80";   // U+E000
constexpr std::string_view kClose = "\xEE\x80\x81";  // U+E001

}  // namespace

SpecialText::SpecialText(std::vector<std::string> spellings) : spellings_(std::move(spellings)) {
  std::erase(spellings_, "");
  spellings_.emplace_back(kOpen);
  std::ranges::sort(spellings_, std::ranges::greater{}, &std::string::size);
  for (const std::string& spelling : spellings_) {
    if (first_.find(spelling[0]) == std::string::npos) first_ += spelling[0];
  }
}

bool SpecialText::occurs_in(std::string_view text) const {
  return std::ranges::any_of(spellings_, [text](const std::string& spelling) { return text.find(spelling) != std::string_view::npos; });
}

std::string SpecialText::Guard::protect(std::string_view text) {
  std::string out;
  for (;;) {
    const size_t at = text.find_first_of(owner_->first_);
    out.append(text.substr(0, at));
    if (at == std::string_view::npos) return out;
    text.remove_prefix(at);
    const auto found = std::ranges::find_if(owner_->spellings_, [text](const std::string& spelling) { return text.starts_with(spelling); });
    if (found == owner_->spellings_.end()) {
      out += text[0];
      text.remove_prefix(1);
      continue;
    }
    out.append(kOpen).append(std::to_string(taken_.size())).append(kClose);
    taken_.push_back(*found);
    text.remove_prefix(found->size());
  }
}

void SpecialText::Guard::parts(std::string_view rendered, const std::function<void(std::string_view part, bool special)>& cut) const {
  size_t begin = 0;  // of what is not given out yet
  for (size_t at = rendered.find(kOpen); at != std::string_view::npos; at = rendered.find(kOpen, at)) {
    const std::string_view rest = rendered.substr(at + kOpen.size());
    size_t number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    const std::string_view after(end, static_cast<size_t>(rest.data() + rest.size() - end));
    if (error != std::errc{} || number >= taken_.size() || !after.starts_with(kClose)) {  // the template's own
      at += kOpen.size();
      continue;
    }
    if (at > begin) cut(rendered.substr(begin, at - begin), true);
    cut(taken_[number], false);
    begin = rendered.size() - after.size() + kClose.size();
    at = begin;
  }
  if (begin < rendered.size()) cut(rendered.substr(begin), true);
}

}  // namespace ebb::engine_llama
