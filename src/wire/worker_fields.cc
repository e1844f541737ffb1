// Bounds first, so that what is taken is sane.
#include "wire/worker_fields.h"

#include <algorithm>

#include "base/utf8.h"
#include "domain/limits.h"

namespace ebb::wire {

namespace {

// A name is a token, a value has no control characters: what would end a line of a head never comes from here.
bool is_header(const pb::Header& header) {
  constexpr std::string_view kTokenMarks = "!#$%&'*+-.^_`|~";
  const auto token = [&](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || kTokenMarks.find(c) != std::string_view::npos;
  };
  const auto printable = [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f); };
  return !header.name().empty() && std::ranges::all_of(header.name(), token) && std::ranges::all_of(header.value(), printable);
}

}  // namespace

std::unexpected<Error> corrupt(const char* what) { return fail(ErrorKind::kCorrupt, what); }

bool parse(std::string_view body, google::protobuf::MessageLite& out) { return out.ParseFromArray(body.data(), static_cast<int>(body.size())); }

void write_head(const domain::TensorHead& head, pb::TensorHead& out) {
  out.set_name(head.name);
  out.set_type(static_cast<int>(head.type));
  out.mutable_shape()->Add(head.shape.begin(), head.shape.end());
}

Result<domain::TensorHead> read_head(pb::TensorHead& head) {
  if (head.type() < 0 || head.type() >= domain::kDataTypes) return corrupt("a tensor of an unknown type");
  if (head.name().size() > domain::kTensorNameBytesMax || !is_utf8(head.name())) return corrupt("a tensor's name that is none");
  domain::TensorHead out{
      .name = std::move(*head.mutable_name()), .type = static_cast<domain::DataType>(head.type()), .shape = {head.shape().begin(), head.shape().end()}};
  if (!domain::element_count(out.shape)) return corrupt("a tensor of an impossible shape");
  return out;
}

void write_headers(const domain::HttpHeaders& headers, HeaderFields& out) {
  for (const auto& [name, value] : headers) {
    pb::Header* to = out.Add();
    to->set_name(name);
    to->set_value(value);
  }
}

Result<domain::HttpHeaders> read_headers(HeaderFields& fields) {
  if (static_cast<size_t>(fields.size()) > domain::kHttpHeadersMax) return corrupt("more headers than are taken");
  domain::HttpHeaders headers;
  size_t bytes = 0;
  for (pb::Header& header : fields) {
    bytes += header.name().size() + header.value().size();
    if (!is_header(header) || bytes > domain::kHttpHeaderBytesMax) return corrupt("a header that is none, or more of them than are taken");
    headers.emplace_back(std::move(*header.mutable_name()), std::move(*header.mutable_value()));
  }
  return headers;
}

}  // namespace ebb::wire
