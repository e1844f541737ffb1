// What calls and answers have in common in worker.proto: the heads of tensors, and headers of HTTP. For the worker_*.cc of this folder; pure.
#pragma once

#include <google/protobuf/repeated_ptr_field.h>

#include <string_view>

#include "base/result.h"
#include "domain/http.h"
#include "domain/tensor.h"
#include "wire/worker.pb.h"

namespace ebb::wire {

// Error kCorrupt: what was read is nothing that our other end writes.
[[nodiscard]] std::unexpected<Error> corrupt(const char* what);

// False: it does not parse.
[[nodiscard]] bool parse(std::string_view body, google::protobuf::MessageLite& out);

void write_head(const domain::TensorHead& head, pb::TensorHead& out);
// Takes from `head`. Error kCorrupt: an unknown type, a name or shape out of the bounds of domain/limits.h.
Result<domain::TensorHead> read_head(pb::TensorHead& head);

using HeaderFields = google::protobuf::RepeatedPtrField<pb::Header>;
void write_headers(const domain::HttpHeaders& headers, HeaderFields& out);
// Takes from `fields`. Error kCorrupt: one that HTTP would not read as it was meant, or more than kHttpHeadersMax or kHttpHeaderBytesMax.
Result<domain::HttpHeaders> read_headers(HeaderFields& fields);

}  // namespace ebb::wire
