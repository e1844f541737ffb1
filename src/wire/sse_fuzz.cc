// Any bytes as texts of a stream: what a decoder by the specification of server-sent events makes of it are the same texts, one event each.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/json.h"
#include "base/utf8.h"
#include "wire/sse.h"

namespace {

// "Parsing an event stream", without what only a browser needs: lines end with CR, LF or both; a blank line ends an event.
std::vector<std::string> decode(std::string_view stream) {
  std::vector<std::string> events;
  std::string data;
  bool any = false;
  while (!stream.empty()) {
    const size_t end = std::min(stream.find_first_of("\r\n"), stream.size());
    const std::string_view line = stream.substr(0, end);
    stream.remove_prefix(end);
    if (stream.starts_with("\r\n")) stream.remove_prefix(1);
    if (!stream.empty()) stream.remove_prefix(1);
    if (line.empty()) {
      if (any) events.push_back(data);
      data.clear();
      any = false;
      continue;
    }
    const size_t colon = std::min(line.find(':'), line.size());
    if (line.substr(0, colon) != "data") continue;
    std::string_view value = line.substr(std::min(colon + 1, line.size()));
    if (value.starts_with(' ')) value.remove_prefix(1);
    data += any ? "\n" : "";
    data += value;
    any = true;
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ebb;
  // Texts are separated by a byte that none of them has; each is made valid, as an engine's text is.
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  std::vector<std::string> texts;
  std::string stream;
  for (size_t begin = 0; begin <= input.size();) {
    const size_t end = std::min(input.find('\xFF', begin), input.size());
    texts.push_back(replace_invalid_utf8(input.substr(begin, end - begin)));
    const std::string line = json::serialize(json::object{{"text", texts.back()}});
    if (texts.size() % 2 == 0) {
      wire::append_named_sse(stream, "response.output_text.delta", line);
    } else {
      wire::append_sse(stream, line);
    }
    if (texts.size() % 3 == 0) stream += wire::kSseComment;
    begin = end + 1;
  }
  stream += wire::kSseDone;
  for (const char* separator : {"\xC2\x85", "\xE2\x80\xA8", "\xE2\x80\xA9"})
    EBB_CHECK(stream.find(separator) == std::string::npos);
  const std::vector<std::string> events = decode(stream);
  EBB_CHECK(events.size() == texts.size() + 1 && events.back() == "[DONE]");
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto event = parse_json(events[i]);
    EBB_CHECK(event.has_value() && event->at("text").as_string() == texts[i]);
  }
  return 0;
}
