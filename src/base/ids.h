// Strong integer ids. They are ours: nothing from a request is ever used as one.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace ebb {

// Ids of one kind are ordered by when they were made; 0 means none.
template <class Tag>
struct Id {
  uint64_t value = 0;
  constexpr auto operator<=>(const Id&) const = default;
  constexpr explicit operator bool() const { return value != 0; }
};

using CallId = Id<struct CallTag>;
using WorkerId = Id<struct WorkerTag>;
using RevisionId = Id<struct RevisionTag>;
using DecisionId = Id<struct DecisionTag>;

// The id as 16 lower-case hex digits, as people see it after a prefix such as "call-" or "req_".
std::string to_hex(uint64_t value);

// Reads what to_hex wrote; 0 when it is not exactly that.
uint64_t from_hex(const std::string& digits);

// Makes rising ids that also rise over restarts of the server: the first is the wall time in microseconds, shifted.
class IdSource {
 public:
  explicit IdSource(int64_t wall_us) : next_(static_cast<uint64_t>(wall_us) << 8U) {}
  uint64_t next() { return next_++; }
  // Called once at start with the highest id known from the store, for the case that the wall clock went back.
  void skip_past(uint64_t used) {
    if (used >= next_) next_ = used + 1;
  }

 private:
  uint64_t next_;
};

}  // namespace ebb

template <class Tag>
struct std::hash<ebb::Id<Tag>> {
  size_t operator()(const ebb::Id<Tag>& id) const noexcept { return std::hash<uint64_t>{}(id.value); }
};
