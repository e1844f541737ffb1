// protobuf to domain values and back.
#include "wire/worker_answer.h"

#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "domain/limits.h"
#include "wire/worker.pb.h"
#include "wire/worker_fields.h"

namespace ebb::wire {

namespace {

void write_candidate(const domain::TokenLogprob::Candidate& candidate, pb::Candidate& out) {
  out.set_token(candidate.bytes);
  out.set_logprob(candidate.logprob);
}

Result<domain::TokenLogprob::Candidate> read_candidate(pb::Candidate& candidate) {
  if (!std::isfinite(candidate.logprob()) || candidate.logprob() > 0 || candidate.logprob() < domain::kLogprobMin)
    return corrupt("text with a log probability that is none");
  return domain::TokenLogprob::Candidate{.bytes = std::move(*candidate.mutable_token()), .logprob = candidate.logprob()};
}

}  // namespace

std::string encode_text(const domain::Text& text) {
  pb::Text out;
  out.set_text(text.text);
  out.set_tokens(text.tokens);
  out.set_part(static_cast<pb::Text::Part>(text.part));
  out.set_tool_index(text.tool_index);
  out.set_tool_name(text.tool_name);
  for (const domain::TokenLogprob& logprob : text.logprobs) {
    pb::TokenLogprob* to = out.add_logprobs();
    write_candidate(logprob.chosen, *to->mutable_chosen());
    for (const domain::TokenLogprob::Candidate& candidate : logprob.top)
      write_candidate(candidate, *to->add_top());
  }
  return out.SerializeAsString();
}

Result<domain::Text> decode_text(std::string_view body) {
  pb::Text text;
  if (!parse(body, text)) return corrupt("a body that does not parse");
  if (text.tokens() < 0 || text.tokens() > domain::kContextTokensMax) return corrupt("tokens out of range");
  if (text.part() < 0 || text.part() > static_cast<int>(domain::Part::kToolCall) || text.tool_index() < 0 || text.tool_index() >= domain::kToolCallsMax ||
      text.tool_name().size() > domain::kToolNameBytesMax)
    return corrupt("text that belongs to nothing");
  if (!is_utf8(text.text()) || !is_utf8(text.tool_name())) return corrupt("text that is no UTF-8");
  domain::Text out{.text = std::move(*text.mutable_text()),
                   .tokens = text.tokens(),
                   .part = static_cast<domain::Part>(text.part()),
                   .tool_index = text.tool_index(),
                   .tool_name = std::move(*text.mutable_tool_name()),
                   .logprobs = {}};
  for (pb::TokenLogprob& logprob : *text.mutable_logprobs()) {
    if (logprob.top_size() > domain::kTopLogprobsMax) return corrupt("text with too many alternatives");
    Result<domain::TokenLogprob::Candidate> chosen = read_candidate(*logprob.mutable_chosen());
    if (!chosen) return fail(chosen.error());
    domain::TokenLogprob& to = out.logprobs.emplace_back(domain::TokenLogprob{.chosen = std::move(*chosen), .top = {}});
    for (pb::Candidate& candidate : *logprob.mutable_top()) {
      Result<domain::TokenLogprob::Candidate> one = read_candidate(candidate);
      if (!one) return fail(one.error());
      to.top.push_back(std::move(*one));
    }
  }
  return out;
}

std::string encode_vector(std::span<const float> values) {
  pb::Vector out;
  out.mutable_values()->Add(values.begin(), values.end());
  return out.SerializeAsString();
}

Result<domain::Vector> decode_vector(std::string_view body) {
  pb::Vector vector;
  if (!parse(body, vector)) return corrupt("a body that does not parse");
  if (vector.values().empty() || static_cast<size_t>(vector.values_size()) > domain::kVectorValuesMax)
    return corrupt("a vector without values, or with too many");
  if (!std::ranges::all_of(vector.values(), [](float value) { return std::isfinite(value); })) return corrupt("a vector with a value that is no number");
  return domain::Vector{.values = {vector.values().begin(), vector.values().end()}};
}

std::string encode_tensor_start(const domain::TensorStart& start) {
  pb::TensorStart out;
  write_head(start.head, *out.mutable_head());
  out.set_bytes(start.bytes);
  return out.SerializeAsString();
}

Result<domain::TensorStart> decode_tensor_start(std::string_view body) {
  pb::TensorStart start;
  if (!parse(body, start)) return corrupt("a body that does not parse");
  Result<domain::TensorHead> head = read_head(*start.mutable_head());
  if (!head) return fail(head.error());
  const size_t each = domain::element_bytes(head->type);
  const size_t least = static_cast<size_t>(*domain::element_count(head->shape)) * (each == 0 ? sizeof(uint32_t) : each);
  const bool sane = start.bytes() <= domain::kTensorBytesMax && (each == 0 ? start.bytes() >= least : start.bytes() == least);
  if (!sane) return corrupt("a tensor whose bytes do not fit its shape");
  return domain::TensorStart{.head = std::move(*head), .bytes = start.bytes()};
}

std::string encode_bytes(std::string_view data) {
  pb::Bytes out;
  out.set_data(data.data(), data.size());
  return out.SerializeAsString();
}

Result<domain::Bytes> decode_bytes(std::string_view body) {
  pb::Bytes bytes;
  if (!parse(body, bytes)) return corrupt("a body that does not parse");
  if (bytes.data().empty() || bytes.data().size() > domain::kBodyPieceBytesMax) return corrupt("a piece of a body that is empty or too long");
  return domain::Bytes{.data = std::move(*bytes.mutable_data())};
}

std::string encode_labels(const domain::Labels& labels) {
  pb::Labels out;
  for (const domain::Labels::Label& label : labels.labels) {
    pb::Label* to = out.add_labels();
    to->set_label(label.label);
    to->set_score(label.score);
  }
  return out.SerializeAsString();
}

Result<domain::Labels> decode_labels(std::string_view body) {
  pb::Labels labels;
  if (!parse(body, labels)) return corrupt("a body that does not parse");
  if (labels.labels_size() > domain::kLabelsMax) return corrupt("more labels than are taken");
  domain::Labels out;
  for (pb::Label& label : *labels.mutable_labels()) {
    if (label.label().size() > domain::kLabelBytesMax || !is_utf8(label.label()) || !std::isfinite(label.score())) return corrupt("a label that is none");
    out.labels.push_back({.label = std::move(*label.mutable_label()), .score = label.score()});
  }
  return out;
}

std::string encode_http_head(const domain::HttpHead& head) {
  pb::HttpHead out;
  out.set_status(head.status);
  write_headers(head.headers, *out.mutable_headers());
  return out.SerializeAsString();
}

Result<domain::HttpHead> decode_http_head(std::string_view body) {
  pb::HttpHead head;
  if (!parse(body, head)) return corrupt("a body that does not parse");
  if (head.status() < 200 || head.status() > 599) return corrupt("a status out of range");
  Result<domain::HttpHeaders> headers = read_headers(*head.mutable_headers());
  if (!headers) return fail(headers.error());
  return domain::HttpHead{.status = head.status(), .headers = std::move(*headers)};
}

std::string encode_trailers(const domain::Trailers& trailers) {
  pb::Trailers out;
  write_headers(trailers.headers, *out.mutable_headers());
  return out.SerializeAsString();
}

Result<domain::Trailers> decode_trailers(std::string_view body) {
  pb::Trailers trailers;
  if (!parse(body, trailers)) return corrupt("a body that does not parse");
  Result<domain::HttpHeaders> headers = read_headers(*trailers.mutable_headers());
  if (!headers) return fail(headers.error());
  return domain::Trailers{.headers = std::move(*headers)};
}

}  // namespace ebb::wire
