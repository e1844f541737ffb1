// Lines of tenants, and their counters.
#include "control/wait_queue.h"

#include <algorithm>
#include <tuple>

#include "base/check.h"
#include "domain/limits.h"

namespace ebb::control {

namespace {

// A step computes a prompt's tokens by the dozen and an answer's one by one. The weights of the paper.
constexpr int64_t kPromptWeight = 1;
constexpr int64_t kAnswerWeight = 2;
// Of what is expected of a tenant's next call, one part in so many comes from its last one.
constexpr int64_t kMemory = 8;
// Tenants of an idle class of whose calls it is remembered what they take.
constexpr size_t kRemembered = 64;

void learn(int64_t& expected, int64_t took) { expected = expected == 0 ? took : (expected * (kMemory - 1) + took) / kMemory; }

}  // namespace

int64_t service_of(int64_t prompt_tokens, int64_t completion_tokens, nanoseconds busy) {
  const int64_t tokens = kPromptWeight * prompt_tokens + kAnswerWeight * completion_tokens;
  return tokens > 0 ? tokens : std::chrono::ceil<milliseconds>(busy).count();
}

size_t WaitQueue::before(domain::Priority priority) const {
  size_t count = 0;
  for (const domain::Priority other : domain::kPriorities) {
    if (!higher(priority, other)) count += of(other).waiting;
  }
  return count;
}

const std::pair<const std::string, WaitQueue::Line>* WaitQueue::least_served(const Class& in) {
  // Who has calls running, and none that ended: what it takes is not known, and it shall not take all slots before it is.
  const auto turn = [](const Line& line) { return std::tuple(line.expected == 0 && line.running > 0, line.served, line.running); };
  const std::pair<const std::string, Line>* least = nullptr;
  for (const auto& entry : in.lines) {
    if (!entry.second.calls.empty() && (least == nullptr || turn(entry.second) < turn(least->second))) least = &entry;
  }
  return least;
}

WaitQueue::Line& WaitQueue::enter(Class& in, const std::string& tenant) {
  auto line = in.lines.find(tenant);
  if (line == in.lines.end()) {
    if (in.lines.size() >= domain::kTenantsPerEndpointMax) {
      const auto idle = std::ranges::find_if(in.lines, [](const auto& entry) { return entry.second.calls.empty() && entry.second.running == 0; });
      if (idle != in.lines.end()) in.lines.erase(idle);
    }
    line = in.lines.try_emplace(tenant).first;
  }
  if (line->second.calls.empty()) {
    const auto* const least = least_served(in);
    line->second.served = std::max(line->second.served, least != nullptr ? least->second.served : in.left_at);
  }
  return line->second;
}

void WaitQueue::push(domain::Priority priority, const std::string& tenant, CallId call) {
  enter(of(priority), tenant).calls.push_back(call);
  ++of(priority).waiting;
  ++size_;
}

void WaitQueue::push_front(domain::Priority priority, const std::string& tenant, CallId call) {
  enter(of(priority), tenant).calls.push_front(call);
  ++of(priority).waiting;
  ++size_;
}

std::optional<domain::Priority> WaitQueue::next_class() const {
  const auto* const found = std::ranges::find_if(domain::kPriorities, [this](domain::Priority priority) { return of(priority).waiting > 0; });
  return found == domain::kPriorities.end() ? std::nullopt : std::optional(*found);
}

CallId WaitQueue::next() const {
  EBB_CHECK(size_ > 0);
  return least_served(of(*next_class()))->second.calls.front();
}

void WaitQueue::erase(domain::Priority priority, const std::string& tenant, CallId call) {
  Class& in = of(priority);
  const auto line = in.lines.find(tenant);
  if (line == in.lines.end() || std::erase(line->second.calls, call) == 0) return;
  --in.waiting;
  --size_;
  if (in.waiting == 0) in.left_at = line->second.served;
  forget_if_idle(in);
}

WaitQueue::Taken WaitQueue::take() {
  EBB_CHECK(size_ > 0);
  Class& in = of(*next_class());
  Line& line = in.lines.find(least_served(in)->first)->second;
  const Taken taken{.call = line.calls.front(), .charged = line.expected > 0 ? line.expected : in.expected};
  line.calls.pop_front();
  line.served += taken.charged;
  ++line.running;
  ++in.running;
  --in.waiting;
  --size_;
  if (in.waiting == 0) in.left_at = line.served;
  return taken;
}

void WaitQueue::settle(domain::Priority priority, const std::string& tenant, int64_t charged, std::optional<int64_t> took) {
  Class& in = of(priority);
  const auto found = in.lines.find(tenant);
  if (found == in.lines.end()) return;
  Line& line = found->second;
  line.served += took.value_or(0) - charged;
  if (took) {
    learn(line.expected, *took);
    learn(in.expected, *took);
  }
  --line.running;
  --in.running;
  forget_if_idle(in);
}

void WaitQueue::forget_if_idle(Class& in) {
  if (in.waiting > 0 || in.running > 0) return;
  if (in.lines.size() > kRemembered) in.lines.clear();
  for (auto& [tenant, line] : in.lines)
    line.served = 0;
  in.left_at = 0;
}

std::optional<CallId> WaitQueue::displaced_by(domain::Priority priority, const std::string& tenant) const {
  const auto longest = [](const Class& in) { return std::ranges::max_element(in.lines, {}, [](const auto& entry) { return entry.second.calls.size(); }); };
  for (auto lower = domain::kPriorities.rbegin(); *lower != priority; ++lower) {
    if (of(*lower).waiting > 0) return longest(of(*lower))->second.calls.back();
  }
  const Class& own = of(priority);
  if (own.waiting == 0) return std::nullopt;
  const auto line = own.lines.find(tenant);
  const size_t mine = line == own.lines.end() ? 0 : line->second.calls.size();
  const auto other = longest(own);
  return other->second.calls.size() >= mine + 2 ? std::optional(other->second.calls.back()) : std::nullopt;
}

std::vector<CallId> WaitQueue::all() const {
  std::vector<CallId> calls;
  calls.reserve(size_);
  each([&](CallId call) { calls.push_back(call); });
  return calls;
}

}  // namespace ebb::control
