// Any bytes as the body of an inference request: the first two say where its JSON ends (0: nowhere). It becomes tensors that are what they say, or an
// error with a sentence; and the answer that echoes them adds up.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "base/json.h"
#include "domain/limits.h"
#include "wire/oip.h"

namespace {

using namespace ebb;

void check_answer(const wire::Asked& asked, const domain::Tensors& tensors) {
  for (const domain::Tensor& tensor : tensors.inputs) {
    asked.writer->begin_tensor({.head = tensor.head, .bytes = tensor.data.size()});
    // In two pieces, so that an element may be cut.
    const size_t half = tensor.data.size() / 2;
    if (half > 0) asked.writer->add_bytes({.data = tensor.data.substr(0, half)});
    if (tensor.data.size() > half) asked.writer->add_bytes({.data = tensor.data.substr(half)});
  }
  if (const Status checked = asked.writer->check(); !checked) {
    EBB_CHECK(checked.error().kind == ErrorKind::kInvalid && !checked.error().message.empty());
    return;
  }
  const std::string body = asked.writer->whole({});
  size_t json_bytes = body.size();
  for (const auto& [name, value] : asked.writer->headers())
    json_bytes = *wire::parse_json_bytes(value);
  EBB_CHECK(json_bytes <= body.size() && parse_json(std::string_view(body).substr(0, json_bytes)).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const auto declared = static_cast<size_t>(data[0] | data[1] << 8);
  const std::string_view body(reinterpret_cast<const char*>(data + 2), size - 2);
  const wire::OipModel model{.name = "m", .version = "1", .takes_tensors = true};
  wire::InferHead head;
  if (declared > 0) head.json_bytes = declared;
  const auto asked = wire::ask_infer(body, head, model);
  if (!asked) {
    EBB_CHECK((asked.error().kind == ErrorKind::kInvalid || asked.error().kind == ErrorKind::kTooLarge) && !asked.error().message.empty());
    return 0;
  }
  const auto& tensors = std::get<domain::Tensors>(asked->calls[0].input);
  EBB_CHECK(!tensors.inputs.empty() && tensors.inputs.size() <= domain::kTensorsMax);
  for (const domain::Tensor& tensor : tensors.inputs)
    EBB_CHECK(domain::check_tensor(tensor).has_value());
  check_answer(*asked, tensors);
  if (const auto predicted = wire::ask_predict(body, model)) {
    for (const domain::Tensor& tensor : std::get<domain::Tensors>(predicted->calls[0].input).inputs)
      EBB_CHECK(domain::check_tensor(tensor).has_value());
  }
  return 0;
}
