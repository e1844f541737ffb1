// The plainest Behaviour: everything takes the same time, nothing goes wrong.
#pragma once

#include <cstdint>

#include "sim/behaviour.h"

namespace ebb::sim {

struct SteadyTimes {
  nanoseconds start = seconds(1);
  nanoseconds wake = milliseconds(30);
  nanoseconds resize = milliseconds(5);
  nanoseconds park = milliseconds(5);
  nanoseconds first_text = milliseconds(20);
  nanoseconds call = milliseconds(200);
  nanoseconds end = milliseconds(2);
  uint64_t memory_bytes = 256ULL << 20U;
};

class SteadyBehaviour : public Behaviour {
 public:
  explicit SteadyBehaviour(const SteadyTimes& times = {}) : times_(times) {}

  Course start(const control::StartWorker& start) override { return {.after = times_.start, .slots = start.slots}; }
  Course wake(const control::Unpark& wake) override { return {.after = times_.wake, .slots = wake.slots}; }
  Course resize(const control::Resize& resize) override { return {.after = times_.resize, .slots = resize.slots}; }
  nanoseconds park(WorkerId) override { return times_.park; }
  CallCourse run(const control::Dispatch&) override { return {.first_text = times_.first_text, .ends = times_.call}; }
  nanoseconds cancel(const control::CancelCall&) override { return milliseconds(1); }
  nanoseconds kill(const control::KillWorker&) override { return times_.end; }
  uint64_t memory_bytes(WorkerId) override { return times_.memory_bytes; }
  void reached(Node&, uint64_t) override {}

 private:
  SteadyTimes times_;
};

}  // namespace ebb::sim
