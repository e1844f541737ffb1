// Answers of the Open Inference Protocol. Private to wire/.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "wire/answer.h"
#include "wire/compression.h"

namespace ebb::wire {

struct WantedOutput {
  std::string name;
  std::optional<bool> binary;  // absent: as all others
  int64_t classes = 0;         // above 0: the extension "classification"
};

struct InferAnswer {
  std::string model;
  std::string version;
  std::optional<std::string> id;
  std::vector<WantedOutput> outputs;  // empty: all
  bool binary = false;                // outputs that say nothing themselves
  Encoding accepted = Encoding::kIdentity;
};
std::unique_ptr<AnswerWriter> infer_writer(InferAnswer answer);

}  // namespace ebb::wire
