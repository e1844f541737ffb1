// All share one wake-up; whoever has something is taken in turn.
#include "invoke/call_streams.h"

#include <algorithm>

#include "base/check.h"

namespace ebb::invoke {

CallStreams::CallStreams(std::vector<std::shared_ptr<CallStream>> streams) : streams_(std::move(streams)) {
  EBB_CHECK(!streams_.empty());
  for (size_t i = 1; i < streams_.size(); ++i)
    streams_[i]->share_wake(*streams_[0]);
}

CallStreams::~CallStreams() { leave(); }

void CallStreams::leave() {
  for (const std::shared_ptr<CallStream>& stream : streams_)
    stream->leave();
}

io::Task<bool> CallStreams::settled(milliseconds at_most) {
  const io::Timer::time_point late = io::Timer::clock_type::now() + at_most;
  for (;;) {
    const bool all = std::ranges::all_of(streams_, [](const std::shared_ptr<CallStream>& stream) { return stream->usage().has_value(); });
    const auto rest = std::chrono::ceil<milliseconds>(late - io::Timer::clock_type::now());
    if (all || rest.count() <= 0) co_return all;
    const CallStream::Woken woken = co_await streams_[0]->wait(rest);
    if (woken == CallStream::Woken::kCancelled) co_return false;
  }
}

io::Task<std::optional<CallStreams::Next>> CallStreams::next(std::optional<milliseconds> at_most) {
  for (;;) {
    bool all_delivered = true;
    for (size_t i = 0; i < streams_.size(); ++i) {
      const size_t index = (turn_ + i) % streams_.size();
      std::optional<domain::CallEvent> event = streams_[index]->take();
      if (event) {
        turn_ = index + 1;
        Event taken{.stream = index, .event = std::move(*event)};
        Next next(std::move(taken));
        co_return next;
      }
      all_delivered = all_delivered && streams_[index]->delivered();
    }
    if (all_delivered) co_return std::nullopt;
    const CallStream::Woken woken = co_await streams_[0]->wait(at_most);
    if (woken == CallStream::Woken::kCancelled) co_return std::nullopt;
    if (woken == CallStream::Woken::kByTime) {
      Next silence{Silence{}};
      co_return silence;
    }
  }
}

}  // namespace ebb::invoke
