// An engine over a package, for tests: one call at a time or several, answered to the end.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "engine_onnx/library.h"
#include "engine_onnx/onnx_engine.h"
#include "engine_onnx/onnx_for_test.h"

namespace ebb::engine_onnx::test {

struct Answer {
  std::vector<domain::Tensor> tensors;
  std::vector<std::vector<float>> vectors;
  std::vector<domain::Labels> labels;
  int64_t prompt_tokens = 0;
  Error error = {.message = ""};
  bool finished = false;
  bool failed = false;
};

inline void init_library_once() {
  static const bool once = [] {
    init_library(EBB_ONNXRUNTIME);
    return true;
  }();
  (void)once;
}

inline Result<std::unique_ptr<engine::Engine>> load(std::string_view package, int slots = 4, int threads = 1, int prepared = -1, std::string* log = nullptr,
                                                    int64_t context_tokens = 4096) {
  init_library_once();
  engine::LoadOptions options{.context_tokens = context_tokens, .slots = slots, .threads = threads, .prepared = prepared};
  if (log != nullptr) options.log = [log](const std::string& line) { *log += line; };
  return load_engine(file_with(package), options, [](int64_t, int64_t) {});
}

inline std::unique_ptr<engine::Engine> loaded(std::string_view package, int slots = 4, int threads = 1) {
  Result<std::unique_ptr<engine::Engine>> engine = load(package, slots, threads);
  EXPECT_TRUE(engine) << engine.error().message;
  return engine ? std::move(*engine) : nullptr;
}

// Longer than anything here takes; reaching it fails the test.
inline constexpr int kStepsMax = 10'000;

// Steps until nothing runs.
inline std::map<uint64_t, Answer> answers(engine::Engine& engine) {
  std::map<uint64_t, Answer> all;
  for (int steps = 0; engine.busy(); ++steps) {
    if (steps == kStepsMax) {
      ADD_FAILURE() << "a call never ends";
      break;
    }
    for (engine::StepEvent& event : engine.step()) {
      Answer& answer = all[event.call.value];
      EXPECT_FALSE(answer.finished || answer.failed) << "an event after the last";
      using Kind = engine::StepEvent::Kind;
      if (event.kind == Kind::kStarted) answer.prompt_tokens = event.prompt_tokens;
      if (event.kind == Kind::kTensor) answer.tensors.push_back(std::move(event.tensor));
      if (event.kind == Kind::kVector) answer.vectors.push_back(std::move(event.values));
      if (event.kind == Kind::kLabels) answer.labels.push_back(std::move(event.labels));
      if (event.kind == Kind::kFinished) answer.finished = true;
      if (event.kind == Kind::kFailed) answer.failed = true;
      if (event.kind == Kind::kFailed) answer.error = event.error;
    }
  }
  return all;
}

template <class Input>
Answer ask(engine::Engine& engine, Input input) {
  domain::Call call;
  call.input = std::move(input);
  if (const Status taken = engine.execute(CallId{1}, call); !taken) {
    Answer refused;
    refused.failed = true;
    refused.error = taken.error();
    return refused;
  }
  return answers(engine)[1];
}

}  // namespace ebb::engine_onnx::test
