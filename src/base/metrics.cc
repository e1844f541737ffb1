// Making families, and writing all of them as text.
#include "base/metrics.h"

#include <prometheus/text_serializer.h>

#include <algorithm>
#include <limits>

namespace ebb {

namespace {

// Control characters, which no label of ours contains.
constexpr char kAfterName = '\x1e';
constexpr char kAfterValue = '\x1f';

}  // namespace

std::string_view key_of(GivenLabels labels) {
  thread_local std::string key;  // made anew for every observation: its memory is used again
  key.clear();
  for (const auto& [name, value] : labels)
    if (!value.empty()) key.append(name).append(1, kAfterName).append(value).append(1, kAfterValue);
  return key;
}

Labels labels_of(std::string_view key) {
  Labels labels;
  for (size_t at = 0; at < key.size();) {
    const size_t name_end = key.find(kAfterName, at);
    const size_t value_end = key.find(kAfterValue, name_end);
    labels.emplace(key.substr(at, name_end - at), key.substr(name_end + 1, value_end - name_end - 1));
    at = value_end + 1;
  }
  return labels;
}

HistogramFamily::HistogramFamily(std::string name, std::string help, std::vector<double> bounds, const Labels& constant)
    : name_(std::move(name)), help_(std::move(help)), bounds_(std::move(bounds)) {
  for (const auto& [label, value] : constant)
    constant_.push_back({.name = label, .value = value});
}

void HistogramFamily::observe(GivenLabels labels, double value) {
  const auto [entry, is_new] = series_of(series_, labels);
  Series& series = entry->second;
  if (is_new) series.counts.resize(bounds_.size() + 1);
  ++series.counts[static_cast<size_t>(std::ranges::lower_bound(bounds_, value) - bounds_.begin())];
  series.sum += value;
}

void HistogramFamily::remove_if(const std::function<bool(const Labels&)>& gone) {
  std::erase_if(series_, [&](const auto& entry) { return gone(labels_of(entry.first)); });
}

prometheus::MetricFamily HistogramFamily::collect() const {
  prometheus::MetricFamily family{.name = name_, .help = help_, .type = prometheus::MetricType::Histogram, .metric = {}};
  for (const auto& [key, series] : series_) {
    prometheus::ClientMetric& metric = family.metric.emplace_back();
    metric.label = constant_;
    for (const auto& [label, value] : labels_of(key))
      metric.label.push_back({.name = label, .value = value});
    metric.histogram.sample_sum = series.sum;
    for (size_t i = 0; i < series.counts.size(); ++i) {
      metric.histogram.sample_count += series.counts[i];
      const double bound = i < bounds_.size() ? bounds_[i] : std::numeric_limits<double>::infinity();
      metric.histogram.bucket.push_back({.cumulative_count = metric.histogram.sample_count, .upper_bound = bound});
    }
  }
  return family;
}

Metrics::Counters Metrics::counters(const std::string& name, const std::string& help) {
  return Counters(prometheus::BuildCounter().Name(name).Help(help).Register(registry_));
}

Metrics::Gauges Metrics::gauges(const std::string& name, const std::string& help) {
  return Gauges(prometheus::BuildGauge().Name(name).Help(help).Register(registry_));
}

HistogramFamily& Metrics::histograms(std::string name, std::string help, std::vector<double> bounds, const Labels& constant) {
  return histograms_.emplace_back(std::move(name), std::move(help), std::move(bounds), constant);
}

std::string Metrics::text() const {
  std::vector<prometheus::MetricFamily> families = registry_.Collect();
  for (const HistogramFamily& family : histograms_) {
    if (family.size() > 0) families.push_back(family.collect());
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace ebb
