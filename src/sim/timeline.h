// What is due in virtual time, the earliest first; at the same time in the order in which it was put in.
//
// A heap of plain values without owners: a simulation of ten million calls passes each of its events through here.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/check.h"
#include "base/ids.h"
#include "base/time.h"

namespace ebb::sim {

enum class DueKind : uint8_t { kReady, kParked, kProgress, kDied, kGone, kCommitted, kFirstText, kEnded, kLeft, kReadings, kTag };

// Who reads which field is said in node.cc.
struct Due {
  MonoTime at{};
  uint64_t sequence = 0;  // given by the timeline
  uint64_t subject = 0;   // a worker, a call, or a tag of whoever put it in
  nanoseconds more{0};
  uint32_t seat = 0;        // of a call that runs …
  uint32_t generation = 0;  // … as it was then
  int32_t number = 0;
  DueKind kind = DueKind::kTag;
};

class Timeline {
 public:
  void push(Due due) {
    due.sequence = next_++;
    put_back(due);
  }
  // Keeps its place among what is due at the same time.
  void put_back(const Due& due) {
    heap_.push_back(due);
    std::ranges::push_heap(heap_, later);
  }
  Due pop() {
    EBB_CHECK(!heap_.empty());
    std::ranges::pop_heap(heap_, later);
    const Due first = heap_.back();
    heap_.pop_back();
    return first;
  }
  MonoTime first_at() const { return heap_.empty() ? MonoTime::max() : heap_.front().at; }
  size_t size() const { return heap_.size(); }

 private:
  static bool later(const Due& a, const Due& b) { return a.at != b.at ? a.at > b.at : a.sequence > b.sequence; }

  std::vector<Due> heap_;
  uint64_t next_ = 1;
};

}  // namespace ebb::sim
