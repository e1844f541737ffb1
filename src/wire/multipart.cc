// From boundary to boundary.
#include "wire/multipart.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "domain/limits.h"

namespace ebb::wire {

namespace {

constexpr size_t kBoundaryBytesMax = 70;  // RFC 2046
constexpr std::string_view kFormType = "multipart/form-data";

std::unexpected<Error> wrong(std::string message) { return fail(ErrorKind::kInvalid, "the form is malformed: " + std::move(message)); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

// The value of name=… among what follows the first ';', with or without quotation marks. Escapes are not taken apart: browsers write %22.
std::optional<std::string_view> parameter(std::string_view header, std::string_view name) {
  size_t at = header.find(';');
  while (at != std::string_view::npos) {
    std::string_view rest = header.substr(at + 1);
    rest.remove_prefix(std::min(rest.find_first_not_of(" \t"), rest.size()));
    const size_t equals = rest.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string key = lower(trimmed(rest.substr(0, equals)));
    rest.remove_prefix(equals + 1);
    const bool quoted = rest.starts_with('"');
    if (quoted) rest.remove_prefix(1);
    const size_t end = quoted ? rest.find('"') : std::min(rest.find_first_of("; \t"), rest.size());
    if (end == std::string_view::npos) return std::nullopt;
    if (key == name) return rest.substr(0, end);
    const size_t next = rest.find(';', end);
    at = next == std::string_view::npos ? next : static_cast<size_t>(rest.data() + next - header.data());
  }
  return std::nullopt;
}

Status read_header(std::string_view line, FormPart& part, bool& disposed) {
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || colon == 0) return wrong("a part has a line that is no header");
  const std::string name = lower(line.substr(0, colon));
  const std::string_view value = trimmed(line.substr(colon + 1));
  if (name == "content-type") part.content_type = lower(trimmed(value.substr(0, value.find(';'))));
  if (name != "content-disposition") return {};
  const auto field = parameter(value, "name");
  if (disposed || lower(trimmed(value.substr(0, value.find(';')))) != "form-data" || !field || field->empty())
    return wrong("a part's Content-Disposition is not 'form-data; name=\"…\"'");
  part.name = *field;
  disposed = true;
  return {};
}

// The headers of a part; `rest` begins with them and then with the data.
Result<FormPart> read_head(std::string_view& rest) {
  FormPart part;
  bool disposed = false;
  size_t bytes = 0;
  for (;;) {
    const size_t end = rest.find("\r\n");
    bytes += end == std::string_view::npos ? 0 : end + 2;
    if (end == std::string_view::npos || bytes > domain::kFormHeadBytesMax)
      return wrong(fmt::format("the headers of a part do not end, or have over {} bytes", domain::kFormHeadBytesMax));
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end + 2);
    if (line.empty()) break;
    if (Status read = read_header(line, part, disposed); !read) return fail(read.error());
  }
  if (!disposed) return wrong("a part has no Content-Disposition");
  return part;
}

}  // namespace

bool is_form(std::string_view content_type) { return lower(trimmed(content_type.substr(0, content_type.find(';')))) == kFormType; }

Result<std::vector<FormPart>> parse_form(std::string_view content_type, std::string_view body) {
  const auto boundary = parameter(content_type, "boundary");
  if (!boundary || boundary->empty() || boundary->size() > kBoundaryBytesMax)
    return wrong(fmt::format("its Content-Type has no 'boundary' of 1 to {} characters", kBoundaryBytesMax));
  const std::string delimiter = fmt::format("\r\n--{}", *boundary);
  std::string_view rest = body;
  if (!rest.starts_with(std::string_view(delimiter).substr(2))) return wrong("it does not begin with its boundary");
  rest.remove_prefix(delimiter.size() - 2);
  std::vector<FormPart> parts;
  while (!rest.starts_with("--")) {
    if (!rest.starts_with("\r\n")) return wrong("a boundary is followed by something else");
    if (parts.size() == domain::kFormPartsMax) return wrong(fmt::format("it has over {} parts", domain::kFormPartsMax));
    rest.remove_prefix(2);
    Result<FormPart> part = read_head(rest);
    if (!part) return fail(part.error());
    // A part without data: the delimiter's CR LF is the one that ends its headers.
    const size_t end = rest.starts_with(std::string_view(delimiter).substr(2)) ? std::string_view::npos : rest.find(delimiter);
    if (end == std::string_view::npos) return wrong("it ends within a part");
    part->data = rest.substr(0, end);
    rest.remove_prefix(end + delimiter.size());
    parts.push_back(std::move(*part));
  }
  rest.remove_prefix(2);
  if (!rest.empty() && rest != "\r\n") return wrong("it goes on after its last boundary");
  return parts;
}

}  // namespace ebb::wire
