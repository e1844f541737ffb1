// Windows in whole nanoseconds, so that what goes out of them is what came in.
#include "plan/kpa.h"

#include <algorithm>
#include <cmath>

namespace ebb::plan {

namespace {

constexpr int64_t kSecondNs = 1'000'000'000;
constexpr double kPanicThreshold = 2;
constexpr double kScaleUpMax = 1'000;  // times what is ready, in one tick
constexpr double kScaleDownMax = 2;
constexpr double kBurstCapacity = 200;
constexpr seconds kGrace{30};

int64_t second_of(nanoseconds at) { return at.count() / kSecondNs; }
int64_t second_up(nanoseconds at) { return (at.count() + kSecondNs - 1) / kSecondNs; }

double mean(int64_t call_ns, int64_t many_seconds) {
  const double calls = static_cast<double>(call_ns) / static_cast<double>(kSecondNs) / static_cast<double>(many_seconds);
  return std::floor(calls * 1e6) / 1e6;  // as Knative: less than a millionth is nothing
}

}  // namespace

KpaMeter::KpaMeter(const KpaOptions& options)
    : stable_s_(options.stable_window.count()), panic_s_(std::max<int64_t>((options.stable_window.count() + 5) / 10, 1)) {}

int64_t KpaMeter::call_ns_now() const { return std::max(begun_ns_, reported_ ? kSecondNs : 0); }

void KpaMeter::pass(nanoseconds until) {
  while (since_ < until) {
    if (calls_ == 0 && call_ns_now() == 0) {
      since_ = until;
      return;
    }
    const int64_t second = second_of(since_);
    const nanoseconds end = std::min(until, nanoseconds((second + 1) * kSecondNs));
    begun_ns_ += calls_ * (end - since_).count();
    since_ = end;
    if (end.count() % kSecondNs != 0) continue;
    seconds_.push_back({.number = second, .call_ns = call_ns_now()});
    stable_ns_ += seconds_.back().call_ns;
    panic_ns_ += seconds_.back().call_ns;
    begun_ns_ = 0;
    reported_ = false;
  }
}

void KpaMeter::came(nanoseconds at) {
  pass(at);
  const int64_t second = second_of(at);
  // The first call after a second without any is reported at once, as one; of the second that it is in, that is the least.
  if (calls_ == 0 && call_ns_now() == 0 && (seconds_.empty() || seconds_.back().number < second - 1)) reported_ = true;
  if (first_second_ < 0 || (stopped_.count() >= 0 && second - second_of(stopped_) >= stable_s_)) first_second_ = second;
  stopped_ = nanoseconds(-1);
  ++calls_;
}

void KpaMeter::ended(nanoseconds at) {
  pass(at);
  --calls_;
}

void KpaMeter::forget(int64_t end) {
  while (before_panic_ < seconds_.size() && seconds_[before_panic_].number < end - panic_s_)
    panic_ns_ -= seconds_[before_panic_++].call_ns;
  while (!seconds_.empty() && seconds_.front().number < end - stable_s_) {
    stable_ns_ -= seconds_.front().call_ns;
    seconds_.pop_front();
    --before_panic_;
  }
}

KpaLoad KpaMeter::load(nanoseconds at) {
  pass(at);
  // A call that came at the very begin of a second has begun it.
  const int64_t end = call_ns_now() > 0 ? second_of(at) + 1 : second_up(at);
  forget(end);
  const int64_t measured = std::max<int64_t>(end - first_second_, 1);
  return {.stable = mean(stable_ns_ + call_ns_now(), std::min(measured, stable_s_)), .panic = mean(panic_ns_ + call_ns_now(), std::min(measured, panic_s_))};
}

nanoseconds KpaMeter::empty_at(nanoseconds now) const {
  const int64_t last = calls_ > 0 || call_ns_now() > 0 ? second_of(now) : (seconds_.empty() ? -1 : seconds_.back().number);
  return nanoseconds((last + 1 + stable_s_) * kSecondNs);
}

int KpaScaler::wanted(const KpaLoad& load, int ready, nanoseconds now) {
  const double there = std::max(ready, 1);
  const double most = std::ceil(kScaleUpMax * there);
  const double least = std::floor(there / kScaleDownMax);
  const double in_panic = std::ceil(load.panic / options_.target());
  int pods = static_cast<int>(std::clamp(std::ceil(load.stable / options_.target()), least, most));
  if (in_panic / there >= kPanicThreshold) {
    panic_at_ = now;
  } else if (panics() && panic_at_ + options_.stable_window < now) {
    panic_at_ = nanoseconds(-1);
    panic_pods_ = 0;
  }
  if (panics()) pods = panic_pods_ = std::max({pods, static_cast<int>(std::clamp(in_panic, least, most)), panic_pods_});

  const bool proxied = pods == 0 || std::floor(static_cast<double>(ready * options_.calls_per_pod) - kBurstCapacity - load.panic) < 0;
  if (!proxied)
    proxied_at_ = nanoseconds(-1);
  else if (proxied_at_.count() < 0)
    proxied_at_ = now;
  return pods == 0 && !may_go(now) ? 1 : pods;
}

bool KpaScaler::may_go(nanoseconds now) const { return active_at_.count() >= 0 && now - active_at_ >= options_.stable_window && now - proxied_at_ >= kGrace; }

}  // namespace ebb::plan
