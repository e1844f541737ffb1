// Header arithmetic and the cutting of frames.
#include "wire/frame.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "base/check.h"

namespace ebb::wire {

static_assert(std::endian::native == std::endian::little, "frames are written in the machine's order; they never leave it");

std::string encode_frame(FrameType type, uint64_t stream, std::string_view body) {
  EBB_CHECK(body.size() <= UINT32_MAX);
  std::string bytes(kFrameHeaderBytes, '\0');
  const auto length = static_cast<uint32_t>(body.size());
  const auto kind = static_cast<uint16_t>(type);
  std::memcpy(bytes.data(), &length, 4);
  std::memcpy(bytes.data() + 4, &kind, 2);
  std::memcpy(bytes.data() + 8, &stream, 8);
  bytes.append(body);
  return bytes;
}

Result<FrameHeader> decode_header(std::span<const char, kFrameHeaderBytes> bytes, size_t body_max) {
  FrameHeader header;
  uint16_t kind = 0;
  uint16_t reserved = 0;
  std::memcpy(&header.length, bytes.data(), 4);
  std::memcpy(&kind, bytes.data() + 4, 2);
  std::memcpy(&reserved, bytes.data() + 6, 2);
  std::memcpy(&header.stream, bytes.data() + 8, 8);
  header.type = static_cast<FrameType>(kind);
  if (reserved != 0) return fail(ErrorKind::kCorrupt, "bad frame: the reserved field is not zero");
  if (header.length > body_max) return fail(ErrorKind::kCorrupt, fmt::format("bad frame: {} bytes, at most {} are allowed", header.length, body_max));
  return header;
}

Result<std::optional<Frame>> FrameReader::next() {
  const size_t have = buffer_.size() - used_;
  if (have < kFrameHeaderBytes) return std::nullopt;
  const auto header = decode_header(std::span<const char, kFrameHeaderBytes>(buffer_.data() + used_, kFrameHeaderBytes), body_max_);
  if (!header) return fail(header.error());
  if (have < kFrameHeaderBytes + header->length) return std::nullopt;
  Frame frame{.type = header->type, .stream = header->stream, .body = buffer_.substr(used_ + kFrameHeaderBytes, header->length)};
  used_ += kFrameHeaderBytes + header->length;
  // Everything read: start over in the same memory. Else move the rest to the front once half is used, so that moving is rare.
  if (used_ == buffer_.size()) {
    buffer_.clear();
    used_ = 0;
  } else if (used_ > buffer_.size() / 2) {
    buffer_.erase(0, used_);
    used_ = 0;
  }
  return frame;
}

}  // namespace ebb::wire
