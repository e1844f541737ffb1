// zlib's streams, in pieces, so that a bomb is noticed when it passes the bound and not after.
#include "wire/compression.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>

#include "base/check.h"

namespace ebb::wire {

namespace {

constexpr size_t kPieceBytes = 64 * 1024;
constexpr int kGzipBits = 15 + 16;  // as zlib.h has it: the largest window, and gzip's wrapping

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return out;
}

bool excluded(std::string_view parameters) {
  const size_t at = parameters.find("q=");
  if (at == std::string_view::npos) return false;
  const std::string_view weight = trimmed(parameters.substr(at + 2));
  return weight.starts_with('0') && weight.find_first_of("123456789") == std::string_view::npos;
}

struct Inflation {
  z_stream stream{};
  explicit Inflation(Encoding encoding) { EBB_CHECK(::inflateInit2(&stream, encoding == Encoding::kGzip ? kGzipBits : MAX_WBITS) == Z_OK); }
  ~Inflation() { ::inflateEnd(&stream); }
  Inflation(const Inflation&) = delete;
  Inflation& operator=(const Inflation&) = delete;
};

std::unexpected<Error> broken(Encoding encoding, std::string_view what) {
  return fail(ErrorKind::kInvalid, fmt::format("the body is not what 'Content-Encoding: {}' says: {}", to_string(encoding), what), "Content-Encoding");
}

}  // namespace

std::string_view to_string(Encoding encoding) {
  switch (encoding) {
    case Encoding::kIdentity: return "identity";
    case Encoding::kGzip: return "gzip";
    case Encoding::kDeflate: return "deflate";
  }
  return "";
}

Result<Encoding> parse_encoding(std::string_view header) {
  const std::string word = lower(trimmed(header));
  if (word.empty() || word == "identity") return Encoding::kIdentity;
  if (word == "gzip" || word == "x-gzip") return Encoding::kGzip;
  if (word == "deflate") return Encoding::kDeflate;
  return fail(ErrorKind::kInvalid, fmt::format("the Content-Encoding '{}' is not spoken here: use gzip, deflate or none", word.substr(0, 40)),
              "Content-Encoding");
}

Encoding accepted_encoding(std::string_view header) {
  while (!header.empty()) {
    const size_t end = std::min(header.find(','), header.size());
    const std::string_view entry = header.substr(0, end);
    header.remove_prefix(std::min(end + 1, header.size()));
    const size_t semicolon = std::min(entry.find(';'), entry.size());
    const std::string word = lower(trimmed(entry.substr(0, semicolon)));
    if (excluded(entry.substr(semicolon))) continue;
    if (word == "gzip" || word == "x-gzip") return Encoding::kGzip;
    if (word == "deflate") return Encoding::kDeflate;
  }
  return Encoding::kIdentity;
}

Result<std::string> decompress(Encoding encoding, std::string_view bytes, size_t bytes_max) {
  if (encoding == Encoding::kIdentity) return std::string(bytes);
  Inflation inflation(encoding);
  z_stream& stream = inflation.stream;
  // zlib's interface lacks const.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  stream.avail_in = static_cast<uInt>(bytes.size());
  std::string out;
  for (;;) {
    const size_t before = out.size();
    // One byte beyond the bound tells what is too long from what just fits.
    const size_t piece = std::min(kPieceBytes, bytes_max + 1 - before);
    out.resize(before + piece);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream.avail_out = static_cast<uInt>(piece);
    const int state = ::inflate(&stream, Z_NO_FLUSH);
    out.resize(out.size() - stream.avail_out);
    if (out.size() > bytes_max) return fail(ErrorKind::kTooLarge, fmt::format("the body has over {} bytes when it is unpacked", bytes_max), "Content-Encoding");
    if (state == Z_STREAM_END) break;
    if (state == Z_BUF_ERROR || (state == Z_OK && stream.avail_in == 0 && stream.avail_out > 0)) return broken(encoding, "it ends too early");
    if (state != Z_OK) return broken(encoding, stream.msg != nullptr ? stream.msg : "it is malformed");
  }
  if (stream.avail_in > 0) return broken(encoding, "it goes on after its end");
  return out;
}

std::string compress(Encoding encoding, std::string_view bytes) {
  if (encoding == Encoding::kIdentity) return std::string(bytes);
  z_stream stream{};
  constexpr int kMemoryLevel = 8;  // zlib's default
  EBB_CHECK(::deflateInit2(&stream, Z_BEST_SPEED, Z_DEFLATED, encoding == Encoding::kGzip ? kGzipBits : MAX_WBITS, kMemoryLevel, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(::deflateBound(&stream, bytes.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  const int state = ::deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  ::deflateEnd(&stream);
  EBB_CHECK(state == Z_STREAM_END);
  return out;
}

}  // namespace ebb::wire
