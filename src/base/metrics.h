// Prometheus metrics with a bounded number of series, and their text form (0.0.4).
//
// Labels must come from sets that are known and small: routes, codes, names of endpoints that exist. A family refuses to grow past
// kSeriesMax: what comes after is counted under the same labels with the value "_other" for each of them. For one thread.
#pragma once

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>

#include <deque>
#include <functional>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ebb {

using Labels = prometheus::Labels;
inline constexpr size_t kSeriesMax = 100'000;
inline constexpr const char* kOtherLabel = "_other";

// Labels as they are given for one observation: always in the same order; an empty value is a label that is not there.
using GivenLabels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

// Labels as one short text, and back. The text is valid until the next call.
std::string_view key_of(GivenLabels labels);
Labels labels_of(std::string_view key);

// Series by the keys of their labels: a map of labels for each would be most of its memory.
template <class Series>
using SeriesByKey = std::map<std::string, Series, std::less<>>;

// The series of these labels, or that of "_other" when the map is full; and whether it is new.
template <class Series>
std::pair<typename SeriesByKey<Series>::iterator, bool> series_of(SeriesByKey<Series>& all, GivenLabels labels) {
  const std::string_view key = key_of(labels);
  const auto known = all.find(key);
  if (known != all.end()) return {known, false};
  if (all.size() < kSeriesMax) return all.try_emplace(std::string(key));
  std::string other;
  for (const auto& [name, value] : labels_of(key))
    other += key_of({{name, kOtherLabel}});
  return all.try_emplace(std::move(other));
}

template <class Metric>
class MetricFamily {
 public:
  explicit MetricFamily(prometheus::Family<Metric>& family) : family_(&family) {}

  Metric& at(GivenLabels labels) {
    const auto [entry, is_new] = series_of(series_, labels);
    if (is_new) entry->second = &family_->Add(labels_of(entry->first));
    return *entry->second;
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
  prometheus::Family<Metric>* family_;  // owned by the registry
  SeriesByKey<Metric*> series_;
};

// Histograms with the same bounds. The library's own keep a copy of the bounds, a lock and a map of labels for each series, about a KiB; with
// ten of them for each endpoint that was ever called that would be most of what an idle endpoint costs.
class HistogramFamily {
 public:
  HistogramFamily(std::string name, std::string help, std::vector<double> bounds, const Labels& constant);

  void observe(GivenLabels labels, double value);
  void remove_if(const std::function<bool(const Labels&)>& gone);
  size_t size() const { return series_.size(); }

  prometheus::MetricFamily collect() const;

 private:
  struct Series {
    std::vector<uint64_t> counts;  // one for each bound, and one for what lies above the last; not cumulative
    double sum = 0;
  };

  std::string name_;
  std::string help_;
  std::vector<double> bounds_;
  std::vector<prometheus::ClientMetric::Label> constant_;
  SeriesByKey<Series> series_;
};

// The registry. Families are made once, by what counts in them; they may not outlive it.
class Metrics {
 public:
  using Counters = MetricFamily<prometheus::Counter>;
  using Gauges = MetricFamily<prometheus::Gauge>;

  Counters counters(const std::string& name, const std::string& help);
  Gauges gauges(const std::string& name, const std::string& help);
  // `constant`: labels that all series have, kept once.
  HistogramFamily& histograms(std::string name, std::string help, std::vector<double> bounds, const Labels& constant = {});

  std::string text() const;

 private:
  prometheus::Registry registry_;
  std::deque<HistogramFamily> histograms_;
};

}  // namespace ebb
