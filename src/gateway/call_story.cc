// A sentence for each thing that is known; what is not known is left out.
#include "gateway/call_story.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "control/fact.h"
#include "wire/time_text.h"

namespace ebb::gateway {

namespace {

using invoke::DecisionView;

constexpr nanoseconds kNothing = milliseconds(1);  // shorter waits are none that anybody feels
constexpr double kPartShown = 0.05;                // of the whole time

std::string words(nanoseconds time) {
  const double ms = std::chrono::duration<double, std::milli>(time).count();
  return ms < 9.95 ? fmt::format("{:.1f} ms", ms) : control::words(time);
}

std::string counted(int64_t count, std::string_view word) { return fmt::format("{} {}{}", count, word, count == 1 ? "" : "s"); }

std::string_view became(domain::Outcome outcome) {
  switch (outcome) {
    case domain::Outcome::kOk: return "the whole answer was given";
    case domain::Outcome::kLeft: return "its client went away";
    case domain::Outcome::kTimeout: return "its time was over";
    case domain::Outcome::kRefused: return "the worker refused its input";
    case domain::Outcome::kFailed: return "the function itself failed";
    case domain::Outcome::kFault: return "Ebb failed, so it cost nothing";
  }
  return "";
}

std::string_view done_to_it(std::string_view what) {
  static constexpr std::pair<std::string_view, std::string_view> kWords[] = {{"refuse", "refused"},
                                                                             {"retry", "tried again"},
                                                                             {"hold", "held, its slot given to another call"},
                                                                             {"resume", "let go on"},
                                                                             {"cancel", "cancelled"},
                                                                             {"left", "given up"},
                                                                             {"timeout", "refused after it had waited"},
                                                                             {"poison", "refused for what it does to workers"},
                                                                             {"fault", "ended by a failure of Ebb"}};
  const auto* const found = std::ranges::find(kWords, what, &std::pair<std::string_view, std::string_view>::first);
  return found == std::end(kWords) ? what : found->second;
}

const DecisionView* last_of(const std::vector<DecisionView>& decisions, auto matches) {
  const auto found = std::ranges::find_if(decisions.rbegin(), decisions.rend(), matches);
  return found == decisions.rend() ? nullptr : &*found;
}

bool is(const DecisionView& view, std::initializer_list<std::string_view> words) { return std::ranges::find(words, view.decision.what) != words.end(); }

// What is known of a call, and where to look for it.
class Teller {
 public:
  Teller(const std::optional<domain::UsageRecord>& record, const std::optional<invoke::CallView>& view, std::string_view currency)
      : record_(record), currency_(currency) {
    if (view) view_ = &*view;
    if (view_ != nullptr) dispatch_ = last_of(view_->decisions, [](const DecisionView& d) { return is(d, {"dispatch"}); });
    if (dispatch_ != nullptr) {
      const WorkerId worker = dispatch_->decision.worker;
      began_ = last_of(view_->of_endpoint, [worker](const DecisionView& d) { return d.decision.worker == worker && is(d, {"start", "wake"}); });
    }
  }

  CallStory tell() const {
    CallStory told;
    if (record_ && record_->tier == domain::Tier::kInit) {
      told.story.push_back(fmt::format("This is no call: it is the start of an instance of '{}', which took {}.", record_->endpoint, words(record_->total)));
      tell_cost(told.story);
      return told;
    }
    tell_frame(told.story);
    tell_way(told.story);
    if (record_) tell_answer(told.story);
    if (record_) tell_cost(told.story);
    if (record_) tell_parts(told.why_not_faster);
    return told;
  }

 private:
  using Said = std::vector<std::string>;

  void tell_frame(Said& said) const {
    if (record_) {
      const WallTime arrived = record_->ended - std::chrono::round<milliseconds>(record_->total);
      said.push_back(fmt::format("It arrived at {} at the endpoint '{}' and ended {} later: {}.", wire::format_time(arrived), record_->endpoint,
                                 words(record_->total), became(record_->outcome)));
    } else if (view_->state.empty()) {
      said.push_back(fmt::format("It came to the endpoint '{}' and was not taken, or has only just ended.", view_->endpoint));
    } else {
      said.push_back(fmt::format("It arrived {} ago at the endpoint '{}' and is still {}.", words(view_->age), view_->endpoint, view_->state));
    }
  }

  // From its arrival to a slot, and what happened to it there.
  void tell_way(Said& said) const {
    if (record_ && record_->queued < kNothing) said.emplace_back("It did not wait: a slot was free in a ready worker.");
    if (record_ && record_->queued >= kNothing) {
      const std::string_view found = record_->tier == domain::Tier::kCold     ? "there was no worker when it came"
                                     : record_->tier == domain::Tier::kParked ? "its worker was parked when it came"
                                                                              : "every slot of the ready worker was taken when it came";
      said.push_back(fmt::format("It waited {} before it ran: {}.", words(record_->queued), found));
      if (record_->start >= kNothing)
        said.push_back(fmt::format("Of that, the worker took {} to {}.", words(record_->start), record_->tier == domain::Tier::kParked ? "wake" : "start"));
    }
    if (view_ == nullptr) return;
    for (const DecisionView& one : view_->decisions) {
      if (&one == dispatch_) {
        said.push_back(fmt::format("Worker {} served it{}.", to_hex(one.decision.worker.value), busy_then(one)));
      } else if (!is(one, {"dispatch"})) {
        said.push_back(fmt::format("It was {}: {}.", done_to_it(one.decision.what), one.decision.because.view()));
      }
    }
  }

  static std::string busy_then(const DecisionView& dispatch) {
    for (const auto& [name, fact] : dispatch.decision.inputs) {
      if (const auto* of = std::get_if<control::Of>(&fact)) return fmt::format(" and had {} of {} busy then", of->part, counted(of->whole, "slot"));
    }
    return "";
  }

  void tell_answer(Said& said) const {
    if (record_->first_byte.count() > 0) said.push_back(fmt::format("The first piece of its answer came {} after its arrival.", words(record_->first_byte)));
    if (record_->prompt_tokens + record_->completion_tokens > 0)
      said.push_back(fmt::format("Its prompt had {}, its answer {}.", counted(record_->prompt_tokens, "token"), counted(record_->completion_tokens, "token")));
  }

  void tell_cost(Said& said) const {
    if (record_->cost == 0) {
      said.push_back(fmt::format("It kept its worker busy for {} and cost nothing.", words(record_->busy)));
    } else {
      said.push_back(fmt::format("Its share of its worker's time was {}: {} ms with {} MiB were billed, {} {}.", words(record_->busy), record_->billed_ms,
                                 record_->memory_mib, domain::format_money(record_->cost), currency_));
    }
  }

  struct Part {
    nanoseconds took;
    std::string says;
  };

  void tell_parts(Said& said) const {
    const nanoseconds ran_at = record_->queued;
    const nanoseconds first = record_->first_byte.count() > 0 ? std::max(record_->first_byte, ran_at) : record_->total;
    std::vector<Part> parts{{record_->start, starting()},
                            {record_->queued - record_->start, waiting()},
                            {first - ran_at, running(first - ran_at)},
                            {record_->total - first, writing(record_->total - first)}};
    std::ranges::sort(parts, std::greater{}, [](const Part& part) { return std::tie(part.took, part.says); });
    const auto whole = static_cast<double>(std::max<int64_t>(record_->total.count(), 1));
    for (const Part& part : parts) {
      const double share = static_cast<double>(part.took.count()) / whole;
      if (part.took < kNothing || (share < kPartShown && !said.empty())) continue;
      said.push_back(fmt::format("{} of {} ({:.0f} %) {}", words(part.took), words(record_->total), 100 * share, part.says));
    }
    if (said.empty()) said.push_back(fmt::format("Nothing held it up: the whole call took {}.", words(record_->total)));
  }

  std::string starting() const {
    const bool parked = record_->tier == domain::Tier::kParked;
    std::string says = parked ? "went into waking its worker" : "went into starting a worker";
    if (const DecisionView* end = ended_before(); end != nullptr) {
      says += fmt::format(": the last one was {} {} before, because {}", parked ? "parked" : "gone since", words(began_->decision.at - end->decision.at),
                          end->decision.because.view());
    }
    return says + (parked ? ". A longer `idle` of the endpoint, or `provisioned: 1`, would have spared it."
                          : ". A longer `keep` of the endpoint, or `provisioned: 1`, would have spared it.");
  }

  // Why what served it had to begin at all.
  const DecisionView* ended_before() const {
    if (began_ == nullptr) return nullptr;
    return last_of(view_->of_endpoint, [this](const DecisionView& d) {
      return d.decision.id < began_->decision.id && is(d, {"end", "kill", "park", "failed"});
    });
  }

  std::string waiting() const {
    const DecisionView* lack = nullptr;
    if (dispatch_ != nullptr) {
      lack = last_of(view_->of_endpoint, [this](const DecisionView& d) {
        return is(d, {"wait"}) && d.decision.at <= dispatch_->decision.at && d.decision.at >= dispatch_->decision.at - record_->queued;
      });
    }
    if (lack != nullptr) {
      std::string inputs;
      for (const auto& [name, fact] : lack->decision.inputs)
        inputs += fmt::format("{}{} {}", inputs.empty() ? " (" : ", ", name, control::words(fact));
      return fmt::format("it waited because {}{}. More memory for workers, or fewer endpoints that hold it, would have spared it.",
                         lack->decision.because.view(), inputs.empty() ? "" : inputs + ")");
    }
    return domain::found_ready(record_->tier)
               ? "it waited until one of the calls before it left its slot. A larger `max` of the endpoint spares that where memory allows."
               : "it waited for a slot beside the start itself: for memory, for calls before it, or for a worker that was just ending.";
  }

  std::string running(nanoseconds took) const {
    if (record_->first_byte.count() == 0) return "it ran.";
    return fmt::format("passed between its slot and the first piece of its answer{}.", speed(record_->prompt_tokens, took, "of its prompt"));
  }
  std::string writing(nanoseconds took) const { return fmt::format("went into writing its answer{}.", speed(record_->completion_tokens, took, "of it")); }

  static std::string speed(int64_t tokens, nanoseconds took, std::string_view what) {
    if (tokens < 2 || took < kNothing) return "";
    return fmt::format(", {:.0f} tokens {} a second", static_cast<double>(tokens) / std::chrono::duration<double>(took).count(), what);
  }

  const std::optional<domain::UsageRecord>& record_;
  const invoke::CallView* view_ = nullptr;
  const DecisionView* dispatch_ = nullptr;  // the last one: a call may be tried twice
  const DecisionView* began_ = nullptr;     // the start of the worker that served it
  std::string_view currency_;
};

}  // namespace

CallStory tell(const std::optional<domain::UsageRecord>& record, const std::optional<invoke::CallView>& view, std::string_view currency) {
  return Teller(record, view, currency).tell();
}

}  // namespace ebb::gateway
