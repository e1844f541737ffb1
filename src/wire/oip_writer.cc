// Tensors become JSON or binary data as they come, so that no step of it holds up everyone else.
#include "wire/oip_writer.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/json.h"
#include "domain/limits.h"
#include "wire/oip.h"
#include "wire/tensor_json.h"

namespace ebb::wire {

namespace {

class InferWriter final : public WholeWriter {
 public:
  explicit InferWriter(InferAnswer answer) : answer_(std::move(answer)) {}

  void begin_tensor(const domain::TensorStart& start) override {
    head_ = start.head;
    left_ = start.bytes;
    elements_ = 0;
    const auto wanted = std::ranges::find(answer_.outputs, head_.name, &WantedOutput::name);
    const bool known = wanted != answer_.outputs.end();
    binary_ = known ? wanted->binary.value_or(answer_.binary) : answer_.binary;
    classes_ = known ? wanted->classes : 0;
    came_.push_back(head_.name);
    if (classes_ == 0) open_output(head_, start.bytes);
    if (left_ == 0) end_tensor();
  }

  void add_bytes(const domain::Bytes& bytes) override {
    left_ -= std::min<uint64_t>(left_, bytes.data.size());
    if (classes_ == 0 && binary_) {
      tail_ += bytes.data;
    } else {
      pending_ += bytes.data;
      if (classes_ == 0) write_pending();
    }
    if (left_ == 0) end_tensor();
  }

  Status check() override {
    for (const WantedOutput& wanted : answer_.outputs) {
      if (std::ranges::find(came_, wanted.name) == came_.end()) refuse(fmt::format("the model has no output '{}'", wanted.name));
    }
    return error_ ? fail(*error_) : Status{};
  }

  std::string whole(const Answered& /*answered*/) override {
    json::object head{{"model_name", answer_.model}, {"model_version", answer_.version}};
    if (answer_.id) head["id"] = *answer_.id;
    std::string body = json::serialize(head);
    body.back() = ',';
    body += "\"outputs\":[" + outputs_ + "]}";
    if (any_binary_) {
      json_bytes_ = body.size();
      body += tail_;
    }
    if (body.size() > domain::kCompressedAnswerBytesMax) answer_.accepted = Encoding::kIdentity;
    return answer_.accepted == Encoding::kIdentity ? body : compress(answer_.accepted, body);
  }

  std::string_view content_type() const override { return any_binary_ ? "application/octet-stream" : "application/json"; }

  domain::HttpHeaders headers() const override {
    domain::HttpHeaders headers;
    if (any_binary_) headers.emplace_back("Inference-Header-Content-Length", std::to_string(json_bytes_));
    if (answer_.accepted != Encoding::kIdentity) headers.emplace_back("Content-Encoding", to_string(answer_.accepted));
    return headers;
  }

 private:
  void refuse(std::string message) {
    if (!error_) error_ = Error{.kind = ErrorKind::kInvalid, .message = std::move(message), .param = "outputs"};
  }

  void corrupt() {
    if (!error_) error_ = Error{.kind = ErrorKind::kCorrupt, .message = fmt::format("output '{}': its data is not what its shape says", head_.name)};
    pending_.clear();
  }

  void open_output(const domain::TensorHead& head, uint64_t bytes) {
    outputs_ += fmt::format(R"({}{{"name":{},"datatype":"{}","shape":[{}],)", outputs_.empty() ? "" : ",", json::serialize(json::value(head.name)),
                            domain::to_string(head.type), fmt::join(head.shape, ","));
    outputs_ += binary_ ? fmt::format(R"("parameters":{{"binary_data_size":{}}}}})", bytes) : R"("data":[)";
    any_binary_ = any_binary_ || binary_;
  }

  // What is whole of the elements; the rest waits for the next piece.
  void write_pending() {
    std::string_view rest = pending_;
    while (!error_ && !rest.empty()) {
      const size_t length = first_element_bytes(head_.type, rest);
      if (length == 0) break;
      if (outputs_.back() != '[') outputs_ += ',';
      if (const Status written = append_json(outputs_, head_.type, rest.substr(0, length), BytesForm::kText); !written)
        refuse(fmt::format("output '{}': {}", head_.name, written.error().message));
      rest.remove_prefix(length);
      ++elements_;
      if (outputs_.size() > domain::kTensorTextBytesMax)
        refuse(fmt::format("output '{}': the outputs have over {} MiB as JSON: ask for binary data", head_.name, domain::kTensorTextBytesMax >> 20U));
    }
    if (error_) rest = {};
    pending_.erase(0, pending_.size() - rest.size());
  }

  void end_tensor() {
    if (classes_ > 0) {
      Result<domain::Tensor> classes = classify({.head = head_, .data = std::exchange(pending_, {})}, classes_);
      if (!classes) return refuse(fmt::format("output '{}': {}", head_.name, classes.error().message));
      head_ = classes->head;
      open_output(head_, classes->data.size());
      if (binary_) {
        tail_ += classes->data;
      } else {
        pending_ = std::move(classes->data);
        write_pending();
      }
    }
    if (binary_) return;
    // Of BYTES a worker may say anything.
    if (!pending_.empty() || elements_ != *domain::element_count(head_.shape)) corrupt();
    outputs_ += "]}";
  }

  InferAnswer answer_;
  std::string outputs_;  // as JSON, so far
  std::string tail_;     // binary data, so far
  bool any_binary_ = false;
  size_t json_bytes_ = 0;
  std::vector<std::string> came_;
  std::optional<Error> error_;
  // Of the tensor that comes.
  domain::TensorHead head_;
  uint64_t left_ = 0;
  bool binary_ = false;
  int64_t classes_ = 0;
  std::string pending_;
  int64_t elements_ = 0;  // written as JSON
};

}  // namespace

std::unique_ptr<AnswerWriter> infer_writer(InferAnswer answer) { return std::make_unique<InferWriter>(std::move(answer)); }

}  // namespace ebb::wire
