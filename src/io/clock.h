// The world's clocks. Only the shell holds one; decisions get `now` as a parameter.
#pragma once

#include "base/time.h"

namespace ebb::io {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonoTime mono() const = 0;
  virtual WallTime wall() const = 0;
};

class SystemClock final : public Clock {
 public:
  MonoTime mono() const override;  // CLOCK_MONOTONIC: does not count suspension, never jumps
  WallTime wall() const override;
};

class FakeClock final : public Clock {
 public:
  MonoTime mono() const override { return mono_; }
  WallTime wall() const override { return wall_; }
  void advance(nanoseconds by) {
    mono_ += by;
    wall_ += std::chrono::duration_cast<milliseconds>(by);
  }
  void jump_wall(milliseconds by) { wall_ += by; }

 private:
  MonoTime mono_{seconds(1000)};
  WallTime wall_{seconds(1'700'000'000)};
};

}  // namespace ebb::io
