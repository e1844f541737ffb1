// Begin, choose, compute, hand out.
#include "engine_onnx/turn.h"

#include <algorithm>
#include <numeric>
#include <ranges>
#include <utility>

#include "domain/limits.h"
#include "engine_onnx/tensors.h"

namespace ebb::engine_onnx {

namespace {

using Kind = engine::StepEvent::Kind;

// Parts of one call that are looked at for those that fit together.
constexpr size_t kLookedAtPerCall = 4 * domain::kOnnxBatchRowsMax;

}  // namespace

Turn::Turn(Model& model, int threads, std::vector<std::shared_ptr<RunningCall>> calls) : model_(model), threads_(threads), calls_(std::move(calls)) {}

void Turn::run() {
  for (const std::shared_ptr<RunningCall>& call : calls_) {
    if (!call->begun) begin(*call);
  }
  std::vector<Part> parts = choose();
  make_inputs(parts);
  if (!parts.empty()) compute(std::move(parts));
}

void Turn::begin(RunningCall& call) {
  call.begun = true;
  if (is_cancelled(call)) return;
  if (const Status begun = call.work->begin(); !begun) return fail_call(call, begun.error());
  for (size_t part = 0; part < call.work->parts(); ++part)
    call.left.push_back(part);
  events_.push_back({.call = call.id, .kind = Kind::kStarted, .prompt_tokens = call.work->prompt_tokens()});
  if (call.left.empty()) give_out(call);
}

std::vector<Turn::Part> Turn::choose() {
  std::vector<Part> waiting;
  std::vector<PartSize> sizes;
  for (const std::shared_ptr<RunningCall>& call : calls_) {
    if (call->ended || is_cancelled(*call)) continue;
    for (const size_t part : call->left | std::views::take(kLookedAtPerCall)) {
      sizes.push_back(call->work->size_of(part));
      waiting.push_back({.call = call.get(), .index = part, .rows = sizes.back().rows});
    }
  }
  std::vector<Part> chosen;
  for (const size_t index : choose_batch(sizes, domain::kOnnxBatchRowsMax, domain::kOnnxBatchBytesMax)) {
    std::erase(waiting[index].call->left, waiting[index].index);
    chosen.push_back(std::move(waiting[index]));
  }
  return chosen;
}

void Turn::make_inputs(std::vector<Part>& parts) {
  for (Part& part : parts) {
    if (part.call->ended) continue;
    Result<std::vector<domain::Tensor>> inputs = part.call->work->inputs_of(part.index);
    if (inputs) {
      part.inputs = std::move(*inputs);
    } else {
      fail_call(*part.call, inputs.error());
    }
  }
  std::erase_if(parts, [](const Part& part) { return part.call->ended; });
}

void Turn::compute(std::vector<Part> parts) {
  Result<std::vector<Outputs>> together = compute_together(parts);
  if (!together && parts.size() > 1) {
    for (const Part& part : parts) {
      if (!part.call->ended && !is_cancelled(*part.call)) compute({part});
    }
    return;
  }
  if (!together) return fail_call(*parts.front().call, together.error());
  for (size_t i = 0; i < parts.size(); ++i)
    hand_out(parts[i], std::move((*together)[i]));
}

Result<std::vector<Turn::Outputs>> Turn::compute_together(std::span<const Part> parts) {
  if (parts.size() == 1) {
    Result<Outputs> outputs = run_model(parts, parts.front().inputs);
    if (!outputs) return fail(outputs.error());
    std::vector<Outputs> one;
    one.push_back(std::move(*outputs));
    return one;
  }
  std::vector<domain::Tensor> inputs;
  for (size_t i = 0; i < parts.front().inputs.size(); ++i) {
    std::vector<const domain::Tensor*> rows;
    for (const Part& part : parts)
      rows.push_back(&part.inputs[i]);
    inputs.push_back(join_rows(rows));
  }
  Result<Outputs> whole = run_model(parts, inputs);
  if (!whole) return fail(whole.error());
  std::vector<int64_t> rows;
  for (const Part& part : parts)
    rows.push_back(part.rows);
  const int64_t all = std::accumulate(rows.begin(), rows.end(), int64_t{0});
  std::vector<Outputs> outputs(parts.size());
  for (const domain::Tensor& output : *whole) {
    if (output.head.shape.empty() || output.head.shape[0] != all) return fail(ErrorKind::kInternal, "the model does not keep the rows of a batch apart");
    std::vector<domain::Tensor> split = split_rows(output, rows);
    for (size_t i = 0; i < parts.size(); ++i)
      outputs[i].push_back(std::move(split[i]));
  }
  return outputs;
}

Result<Turn::Outputs> Turn::run_model(std::span<const Part> parts, std::span<const domain::Tensor> inputs) {
  {
    const std::lock_guard lock(mutex_);
    options_.emplace();
    in_run_.clear();
    for (const Part& part : parts)
      in_run_.push_back(part.call->id);
  }
  Result<Outputs> outputs = model_.run(inputs, parts.front().call->work->outputs(), threads_, *options_);
  const std::lock_guard lock(mutex_);
  in_run_.clear();
  return outputs;
}

void Turn::hand_out(const Part& part, Outputs outputs) {
  RunningCall& call = *part.call;
  if (call.ended) return;
  if (const Status taken = call.work->take(part.index, std::move(outputs)); !taken) return fail_call(call, taken.error());
  ++call.taken;
  give_out(call);
}

void Turn::give_out(RunningCall& call) {
  for (engine::StepEvent& event : call.work->give()) {
    event.call = call.id;
    events_.push_back(std::move(event));
  }
  if (call.taken < call.work->parts()) return;
  call.ended = true;
  events_.push_back({.call = call.id, .kind = Kind::kFinished, .prompt_tokens = call.work->prompt_tokens()});
}

void Turn::fail_call(RunningCall& call, Error error) {
  call.ended = true;
  events_.push_back({.call = call.id, .kind = Kind::kFailed, .error = std::move(error)});
}

bool Turn::is_cancelled(const RunningCall& call) {
  const std::lock_guard lock(mutex_);
  return std::ranges::count(cancelled_, call.id) > 0;
}

bool Turn::cancel(CallId call) {
  const std::lock_guard lock(mutex_);
  cancelled_.push_back(call);
  if (std::ranges::count(in_run_, call) == 0) return false;
  if (!std::ranges::all_of(in_run_, [this](CallId id) { return std::ranges::count(cancelled_, id) > 0; })) return false;
  options_->SetTerminate();
  return true;
}

}  // namespace ebb::engine_onnx
