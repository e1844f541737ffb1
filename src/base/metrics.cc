// Making families, and writing all of them as text.
#include "base/metrics.h"

#include <prometheus/text_serializer.h>

namespace ebb {

namespace {

// Control characters, which no label of ours contains.
constexpr char kAfterName = '\x1e';
constexpr char kAfterValue = '\x1f';

}  // namespace

std::string key_of(const Labels& labels) {
  std::string key;
  for (const auto& [name, value] : labels)
    key.append(name).append(1, kAfterName).append(value).append(1, kAfterValue);
  return key;
}

Labels labels_of(const std::string& key) {
  Labels labels;
  for (size_t at = 0; at < key.size();) {
    const size_t name_end = key.find(kAfterName, at);
    const size_t value_end = key.find(kAfterValue, name_end);
    labels[key.substr(at, name_end - at)] = key.substr(name_end + 1, value_end - name_end - 1);
    at = value_end + 1;
  }
  return labels;
}

Metrics::Counters Metrics::counters(const std::string& name, const std::string& help) {
  return {prometheus::BuildCounter().Name(name).Help(help).Register(registry_), {}};
}

Metrics::Gauges Metrics::gauges(const std::string& name, const std::string& help) {
  return {prometheus::BuildGauge().Name(name).Help(help).Register(registry_), {}};
}

Metrics::Histograms Metrics::histograms(const std::string& name, const std::string& help, std::vector<double> bounds, const Labels& constant) {
  return {prometheus::BuildHistogram().Name(name).Help(help).Labels(constant).Register(registry_), std::move(bounds)};
}

std::string Metrics::text() const { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

}  // namespace ebb
