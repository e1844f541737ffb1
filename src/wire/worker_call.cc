// protobuf to domain values and back.
#include "wire/worker_call.h"

#include <utility>

#include "domain/limits.h"
#include "wire/worker.pb.h"
#include "wire/worker_call_input.h"
#include "wire/worker_fields.h"

namespace ebb::wire {

namespace {

void write_sampling(const domain::Sampling& sampling, pb::Execute& out) {
  out.set_max_tokens(sampling.max_tokens.value_or(0));
  out.set_temperature(sampling.temperature);
  out.set_top_p(sampling.top_p);
  out.set_top_k(sampling.top_k);
  out.set_min_p(sampling.min_p);
  out.set_repeat_penalty(sampling.repeat_penalty);
  out.set_presence_penalty(sampling.presence_penalty);
  out.set_frequency_penalty(sampling.frequency_penalty);
  for (const auto& [token, bias] : sampling.logit_bias) {
    pb::LogitBias* to = out.add_logit_bias();
    to->set_token(token);
    to->set_bias(bias);
  }
  if (sampling.seed) out.set_seed(*sampling.seed);
  for (const std::string& stop : sampling.stop)
    out.add_stop(stop);
  if (sampling.top_logprobs) out.set_top_logprobs(*sampling.top_logprobs);
}

Result<domain::Sampling> read_sampling(pb::Execute& execute) {
  const auto within = [](double value, double min, double max) { return value >= min && value <= max; };
  const bool sane = static_cast<size_t>(execute.stop_size()) <= domain::kStopStringsMax && execute.max_tokens() >= 0 && within(execute.temperature(), 0, 100) &&
                    within(execute.top_p(), 0, 1) && execute.top_k() >= 0 && within(execute.min_p(), 0, 1) && within(execute.repeat_penalty(), 0.01, 10) &&
                    within(execute.presence_penalty(), -2, 2) && within(execute.frequency_penalty(), -2, 2) &&
                    static_cast<size_t>(execute.logit_bias_size()) <= domain::kLogitBiasMax && execute.top_logprobs() >= 0 &&
                    execute.top_logprobs() <= domain::kTopLogprobsMax;
  if (!sane) return corrupt("an Execute body with numbers out of bounds");
  domain::Sampling sampling;
  for (std::string& stop : *execute.mutable_stop()) {
    if (stop.size() > domain::kStopStringBytesMax) return corrupt("an Execute body with too long a stop string");
    sampling.stop.push_back(std::move(stop));
  }
  for (const pb::LogitBias& bias : execute.logit_bias()) {
    if (!within(bias.bias(), -100, 100)) return corrupt("an Execute body with a bias out of bounds");
    sampling.logit_bias[bias.token()] = bias.bias();
  }
  if (execute.max_tokens() > 0) sampling.max_tokens = execute.max_tokens();
  sampling.temperature = execute.temperature();
  sampling.top_p = execute.top_p();
  sampling.top_k = execute.top_k();
  sampling.min_p = execute.min_p();
  sampling.repeat_penalty = execute.repeat_penalty();
  sampling.presence_penalty = execute.presence_penalty();
  sampling.frequency_penalty = execute.frequency_penalty();
  if (execute.has_seed()) sampling.seed = execute.seed();
  if (execute.has_top_logprobs()) sampling.top_logprobs = execute.top_logprobs();
  return sampling;
}

}  // namespace

std::string encode_call(const domain::Call& call) {
  pb::Execute execute;
  write_input(call.input, execute);
  write_sampling(call.sampling, execute);
  execute.set_show_prompt(call.show_prompt);
  execute.set_priority(static_cast<int32_t>(call.priority.value_or(domain::Priority::kNormal)));
  return execute.SerializeAsString();
}

Result<domain::Call> decode_call(std::string_view body) {
  pb::Execute execute;
  if (!parse(body, execute)) return corrupt("an Execute body that does not parse");
  Result<CallInput> input = read_input(execute);
  if (!input) return fail(input.error());
  Result<domain::Sampling> sampling = read_sampling(execute);
  if (!sampling) return fail(sampling.error());
  domain::Call call;
  call.input = std::move(*input);
  call.sampling = std::move(*sampling);
  call.show_prompt = execute.show_prompt();
  if (execute.priority() < 0 || std::cmp_greater_equal(execute.priority(), domain::kPriorities.size())) return corrupt("an Execute body with an unknown class");
  call.priority = static_cast<domain::Priority>(execute.priority());
  return call;
}

std::string encode_input(std::string_view data, bool last) {
  pb::Input out;
  out.set_data(data.data(), data.size());
  out.set_last(last);
  return out.SerializeAsString();
}

Result<InputPiece> decode_input(std::string_view body) {
  pb::Input input;
  if (!parse(body, input)) return corrupt("a body that does not parse");
  if (input.data().size() > domain::kBodyPieceBytesMax) return corrupt("a piece of a body that is too long");
  return InputPiece{.data = std::move(*input.mutable_data()), .last = input.last()};
}

std::string encode_credit(uint64_t bytes) {
  pb::Credit out;
  out.set_bytes(bytes);
  return out.SerializeAsString();
}

Result<uint64_t> decode_credit(std::string_view body) {
  pb::Credit credit;
  if (!parse(body, credit)) return corrupt("a body that does not parse");
  if (credit.bytes() == 0 || credit.bytes() > domain::kBodyWindowBytes) return corrupt("a credit out of range");
  return credit.bytes();
}

}  // namespace ebb::wire
