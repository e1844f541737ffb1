// Scores of raw outputs, and the best of them.
#include "engine_onnx/labels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/utf8.h"
#include "domain/limits.h"

namespace ebb::engine_onnx {

namespace {

std::vector<double> softmax(std::span<const float> raw) {
  const double most = *std::ranges::max_element(raw);
  std::vector<double> scores;
  for (const float value : raw)
    scores.push_back(std::exp(value - most));
  const double sum = std::accumulate(scores.begin(), scores.end(), 0.0);
  for (double& score : scores)
    score /= sum;
  return scores;
}

std::vector<double> scores_of(std::span<const float> raw, wire::Scores scores) {
  if (scores == wire::Scores::kSoftmax) return softmax(raw);
  std::vector<double> out(raw.begin(), raw.end());
  if (scores == wire::Scores::kSigmoid) std::ranges::transform(out, out.begin(), [](double value) { return 1 / (1 + std::exp(-value)); });
  return out;
}

}  // namespace

Result<std::vector<std::string>> read_labels(std::span<const char> file) {
  std::vector<std::string> labels;
  std::string_view rest(file.data(), file.size());
  while (!rest.empty()) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    std::string_view label = rest.substr(0, end);
    if (label.ends_with('\r')) label.remove_suffix(1);
    if (label.empty() || label.size() > domain::kLabelBytesMax || !is_utf8(label))
      return fail(ErrorKind::kCorrupt,
                  fmt::format("line {} of the labels is empty, longer than {} bytes or no UTF-8", labels.size() + 1, domain::kLabelBytesMax));
    labels.emplace_back(label);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (labels.empty()) return fail(ErrorKind::kCorrupt, "the file of labels is empty");
  return labels;
}

Result<domain::Labels> best_labels(std::span<const float> raw, wire::Scores scores, std::span<const std::string> labels, int top) {
  if (raw.size() != labels.size())
    return fail(ErrorKind::kInternal, fmt::format("the model gives {} scores and its package has {} labels", raw.size(), labels.size()));
  if (!std::ranges::all_of(raw, [](float value) { return std::isfinite(value); }))
    return fail(ErrorKind::kInternal, "the model gave a score that is no number");
  const std::vector<double> all = scores_of(raw, scores);
  std::vector<size_t> order(all.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const size_t count = std::min(order.size(), static_cast<size_t>(std::max(top, 1)));
  std::ranges::partial_sort(order, order.begin() + static_cast<ptrdiff_t>(count),
                            [&all](size_t a, size_t b) { return all[a] != all[b] ? all[a] > all[b] : a < b; });
  domain::Labels best;
  for (size_t i = 0; i < count; ++i)
    best.labels.push_back({.label = labels[order[i]], .score = static_cast<float>(all[order[i]])});
  return best;
}

}  // namespace ebb::engine_onnx
