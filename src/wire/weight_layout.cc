// Numbers of 64 bits are hexadecimal: JSON's integers are signed.
#include "wire/weight_layout.h"

#include <fmt/format.h>

#include <charconv>
#include <limits>

#include "base/check.h"
#include "base/json.h"
#include "base/utf8.h"

namespace ebb::wire {

namespace {

constexpr std::string_view kMadeFor = "layout_for";
constexpr std::string_view kMadeOf = "layout_of";
constexpr std::string_view kWhy = "as_stored";
constexpr std::string_view kAlike = "tokens_alike";
constexpr std::string_view kParts = "parts";

uint64_t aligned(uint64_t offset) { return (offset + kLayoutPartAlignment - 1) / kLayoutPartAlignment * kLayoutPartAlignment; }

std::optional<uint64_t> from_hex(const std::string& text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

Error bad_layout(std::string_view why) { return Error{.kind = ErrorKind::kCorrupt, .message = fmt::format("the layout of the weights: {}", why)}; }

Result<WeightLayout::Part> read_part(const json::value& value, const std::string& path) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  ObjectReader reader(value, path);
  WeightLayout::Part part;
  part.offset = static_cast<uint64_t>(reader.integer("offset", 0, kMax).value_or(0));
  part.bytes = static_cast<uint64_t>(reader.integer("bytes", 1, kMax).value_or(0));
  const std::string tensors = reader.required_string("tensors");
  if (!reader.ok()) return fail(bad_layout(reader.error().message));
  const std::optional<uint64_t> hash = from_hex(tensors);
  if (!hash || part.bytes == 0) return fail(bad_layout(path + " is incomplete"));
  part.tensors = *hash;
  return part;
}

}  // namespace

std::string describe_layout(const WeightLayout& layout) {
  EBB_CHECK(layout.parts.size() <= kLayoutPartsMax);
  json::array parts;
  for (const WeightLayout::Part& part : layout.parts)
    parts.push_back(json::value{{"offset", part.offset}, {"bytes", part.bytes}, {"tensors", fmt::format("{:016x}", part.tensors)}});
  const std::string why = replace_invalid_utf8(layout.as_stored_why.substr(0, kLayoutWhyBytesMax));
  std::string page = json::serialize(
      json::value{{kMadeFor, layout.made_for}, {kMadeOf, layout.made_of}, {kWhy, why}, {kAlike, layout.tokens_alike}, {kParts, std::move(parts)}});
  EBB_CHECK(page.size() < kLayoutDescriptionBytes);
  page.resize(kLayoutDescriptionBytes - 1, ' ');
  return page + '\n';
}

Result<WeightLayout> read_layout(std::string_view page, uint64_t file_bytes) {
  if (page.size() < kLayoutDescriptionBytes) return fail(bad_layout("it is cut off"));
  const Result<json::value> value = parse_json(page.substr(0, kLayoutDescriptionBytes));
  if (!value) return fail(bad_layout(value.error().message));
  ObjectReader reader(*value, "");
  WeightLayout layout{.made_for = reader.required_string(kMadeFor),
                      .made_of = reader.required_string(kMadeOf),
                      .as_stored_why = reader.string(kWhy).value_or(""),
                      .tokens_alike = reader.boolean(kAlike).value_or(false),
                      .parts = {}};
  const json::array* parts = reader.array(kParts);
  if (!reader.ok()) return fail(bad_layout(reader.error().message));
  if (parts == nullptr || parts->size() > kLayoutPartsMax) return fail(bad_layout("it has no parts, or too many"));
  uint64_t end = kLayoutDescriptionBytes;
  for (const json::value& one : *parts) {
    const Result<WeightLayout::Part> part = read_part(one, fmt::format("parts[{}]", layout.parts.size()));
    if (!part) return fail(part.error());
    if (part->offset % kLayoutPartAlignment != 0 || part->offset < end || part->offset > file_bytes || part->bytes > file_bytes - part->offset)
      return fail(bad_layout(fmt::format("parts[{}] is not in its place", layout.parts.size())));
    end = part->offset + part->bytes;
    layout.parts.push_back(*part);
  }
  if (layout.parts.empty() == layout.as_stored_why.empty())
    return fail(bad_layout("it says neither where the weights are nor why they are not there, or both"));
  return layout;
}

std::vector<WeightLayout::Part> place_parts(const std::vector<uint64_t>& bytes) {
  std::vector<WeightLayout::Part> parts;
  uint64_t offset = aligned(kLayoutDescriptionBytes);
  for (const uint64_t one : bytes) {
    parts.push_back({.offset = offset, .bytes = one, .tensors = 0});
    offset = aligned(offset + one);
  }
  return parts;
}

}  // namespace ebb::wire
