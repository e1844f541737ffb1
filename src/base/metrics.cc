// Making families, and writing all of them as text.
#include "base/metrics.h"

#include <prometheus/text_serializer.h>

namespace ebb {

Metrics::Counters Metrics::counters(const std::string& name, const std::string& help) {
  return {prometheus::BuildCounter().Name(name).Help(help).Register(registry_), {}};
}

Metrics::Gauges Metrics::gauges(const std::string& name, const std::string& help) {
  return {prometheus::BuildGauge().Name(name).Help(help).Register(registry_), {}};
}

Metrics::Histograms Metrics::histograms(const std::string& name, const std::string& help, std::vector<double> bounds) {
  return {prometheus::BuildHistogram().Name(name).Help(help).Register(registry_), std::move(bounds)};
}

std::string Metrics::text() const { return prometheus::TextSerializer().Serialize(registry_.Collect()); }

}  // namespace ebb
