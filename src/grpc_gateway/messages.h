// The protocol's messages as values of the domain, and back. Pure; for any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "domain/call.h"
#include "domain/priority.h"
#include "domain/tensor.h"
#include "wire/oip.h"

namespace inference {
class ModelInferRequest;
class ModelInferResponse;
class ModelMetadataResponse;
}  // namespace inference

namespace grpc {
class Status;
}  // namespace grpc

namespace ebb::grpc_gateway {

struct WantedOutput {
  std::string name;
  int64_t classes = 0;  // above 0: the extension "classification"
};

// What a ModelInferRequest asks for, checked as far as that goes without the model.
struct Ask {
  std::string model;
  std::string version;  // empty: any
  std::string id;
  domain::Tensors tensors;
  std::vector<WantedOutput> outputs;  // empty: all
  std::optional<milliseconds> timeout;
  std::optional<domain::Priority> priority;
  std::string tenant;
  std::string key;  // empty: none was sent
  std::optional<domain::Pico> max_cost;
  bool wants_final_mark = false;  // of a stream: each answer is to say that it is the last of its request
};
// Errors: kInvalid, kTooLarge. The request's data is moved out of it.
Result<Ask> read_infer(inference::ModelInferRequest& request);

// Fills a response as the answer comes, always with raw contents: clients read no others.
class ResponseWriter {
 public:
  ResponseWriter(const Ask& ask, const wire::OipModel& model, inference::ModelInferResponse& response);

  void begin_tensor(const domain::TensorStart& start);
  void add_bytes(const domain::Bytes& bytes);
  // Error kInvalid: an output that was wanted did not come, or cannot be classified.
  Status finish();

 private:
  std::vector<WantedOutput> outputs_;
  inference::ModelInferResponse& response_;
};

void write_metadata(const wire::OipModel& model, inference::ModelMetadataResponse& response);

grpc::Status status_of(const Error& error);

}  // namespace ebb::grpc_gateway
