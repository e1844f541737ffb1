// Events and actions as bytes, for a hash that two builds and machines agree on, and as words, for people.
//
// The hash takes what was decided, never how it is said: messages and ids of decisions are not in it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "control/action.h"
#include "control/event.h"

namespace ebb::sim {

class TraceHash {
 public:
  void add(MonoTime now);
  void add(const control::Event& event);
  void add(const control::Act& act);
  void word(uint64_t word) { value_ = (value_ ^ word) * 0x100000001b3U + 0x9e3779b97f4a7c15U + (value_ >> 29U); }
  void text(std::string_view text);
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xcbf29ce484222325U;
};

std::string words(const control::Event& event);
std::string words(const control::Act& act);

}  // namespace ebb::sim
