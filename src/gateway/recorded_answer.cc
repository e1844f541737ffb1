// Lines, then the body as it is.
#include "gateway/recorded_answer.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace ebb::gateway {

namespace {

using Headers = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kMark = "ebb answer 1";
constexpr std::string_view kForms[] = {"whole", "stream", "cut"};

// On the wire a line cannot have a line's end in it either (exchange.cc).
void append_line(std::string& out, std::string_view line) {
  const size_t begin = out.size();
  out += line;
  std::replace_if(
      out.begin() + static_cast<std::ptrdiff_t>(begin), out.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  out += '\n';
}

void append_headers(std::string& out, const Headers& headers) {
  append_line(out, std::to_string(headers.size()));
  for (const auto& [name, value] : headers) {
    append_line(out, name);
    append_line(out, value);
  }
}

// Reads line by line; once something is wrong, nothing more is read.
class Lines {
 public:
  explicit Lines(std::string_view text) : rest_(text) {}
  std::string_view line() {
    const size_t end = rest_.find('\n');
    if (end == std::string_view::npos) sound_ = false;
    if (!sound_) return {};
    const std::string_view line = rest_.substr(0, end);
    rest_.remove_prefix(end + 1);
    return line;
  }
  uint64_t number(std::string_view line) {
    uint64_t value = 0;
    const auto read = std::from_chars(line.data(), line.data() + line.size(), value);
    if (read.ec != std::errc() || read.ptr != line.data() + line.size()) sound_ = false;
    return value;
  }
  Headers headers() {
    Headers out;
    for (uint64_t count = number(line()); sound_ && count > 0; --count) {
      const std::string_view name = line();
      out.emplace_back(name, line());
    }
    return out;
  }
  bool sound() const { return sound_; }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
  bool sound_ = true;
};

}  // namespace

std::string write_recorded(const RecordedAnswer& answer) {
  std::string out;
  append_line(out, kMark);
  append_line(out, kForms[static_cast<size_t>(answer.form)]);
  append_line(out, std::to_string(answer.response.status));
  append_line(out, answer.response.foreign ? "foreign" : "ours");
  append_line(out, answer.length ? std::to_string(*answer.length) : "-");
  append_line(out, answer.response.content_type);
  append_headers(out, answer.response.headers);
  append_headers(out, answer.trailers);
  return out + answer.response.body;
}

Result<RecordedAnswer> read_recorded(std::string_view text) {
  Lines lines(text);
  RecordedAnswer answer;
  const bool ours = lines.line() == kMark;
  const auto* const form = std::ranges::find(kForms, lines.line());
  answer.response.status = static_cast<int>(lines.number(lines.line()));
  answer.response.foreign = lines.line() == "foreign";
  if (const std::string_view length = lines.line(); length != "-") answer.length = lines.number(length);
  answer.response.content_type = lines.line();
  answer.response.headers = lines.headers();
  answer.trailers = lines.headers();
  if (!ours || form == std::end(kForms) || !lines.sound()) return fail(ErrorKind::kCorrupt, "an answer that was kept cannot be read");
  answer.form = static_cast<AnswerForm>(form - std::begin(kForms));
  answer.response.body = lines.rest();
  return answer;
}

}  // namespace ebb::gateway
