// Prometheus metrics with a bounded number of series, and their text form (0.0.4).
//
// Labels must come from sets that are known and small: routes, codes, names of endpoints that exist. A family refuses to grow past
// kSeriesMax: what comes after is counted under the same labels with the value "_other" for each of them.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace ebb {

using Labels = prometheus::Labels;
inline constexpr size_t kSeriesMax = 100'000;
inline constexpr const char* kOtherLabel = "_other";

// Labels as one short text, and back.
std::string key_of(const Labels& labels);
Labels labels_of(const std::string& key);

template <class Metric>
class MetricFamily {
 public:
  MetricFamily(prometheus::Family<Metric>& family, std::vector<double> bounds) : family_(&family), bounds_(std::move(bounds)) {}

  Metric& at(const Labels& labels) {
    if (const auto found = series_.find(key_of(labels)); found != series_.end()) return *found->second;
    if (series_.size() >= kSeriesMax) return other(labels);
    return make(labels);
  }

  // Drops the series whose labels are no longer of interest, such as those of an endpoint that was removed.
  void remove_if(const std::function<bool(const Labels&)>& gone) {
    std::erase_if(series_, [&](const auto& entry) {
      if (!gone(labels_of(entry.first))) return false;
      family_->Remove(entry.second);
      return true;
    });
  }
  size_t size() const { return series_.size(); }

 private:
  Metric& other(Labels labels) {
    for (auto& [name, value] : labels)
      value = kOtherLabel;
    const auto found = series_.find(key_of(labels));
    return found != series_.end() ? *found->second : make(labels);
  }
  Metric& make(const Labels& labels) {
    Metric* metric = nullptr;
    if constexpr (std::is_same_v<Metric, prometheus::Histogram>) {
      metric = &family_->Add(labels, bounds_);
    } else {
      metric = &family_->Add(labels);
    }
    series_.emplace(key_of(labels), metric);
    return *metric;
  }

  prometheus::Family<Metric>* family_;     // owned by the registry
  std::vector<double> bounds_;             // of histograms
  std::map<std::string, Metric*> series_;  // by key_of its labels: a second map of labels for each series would be most of its memory
};

// The registry. Families are made once, by what counts in them; they may not outlive it.
class Metrics {
 public:
  using Counters = MetricFamily<prometheus::Counter>;
  using Gauges = MetricFamily<prometheus::Gauge>;
  using Histograms = MetricFamily<prometheus::Histogram>;

  Counters counters(const std::string& name, const std::string& help);
  Gauges gauges(const std::string& name, const std::string& help);
  // `constant`: labels that all series have, kept once.
  Histograms histograms(const std::string& name, const std::string& help, std::vector<double> bounds, const Labels& constant = {});

  std::string text() const;

 private:
  prometheus::Registry registry_;
};

}  // namespace ebb
