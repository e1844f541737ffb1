// What the worker and ebb-init say to each other: one message each on a SEQPACKET socket pair, in this machine's byte order.
//
// Two sockets: orders and their replies on one, events on the other. Both ends are our programs of one build; still, ebb-init shares a user with a
// hostile function, so the worker takes nothing from it but what has the right size and sequence, and descriptors only as sockets to pass on.
// No library: ebb-init is static and small.
#pragma once

#include <cstddef>
#include <cstdint>

namespace ebb::container {

inline constexpr int kOrdersFd = 3;
inline constexpr int kEventsFd = 4;

// Arguments, environment and folder of one program, with a byte for the end of each.
inline constexpr size_t kProgramBytesMax = size_t{128} << 10U;

enum class OrderKind : uint32_t {
  kRun = 1,      // value: count of arguments, then strings; attached: the function's output
  kConnect = 2,  // value: port. The reply has the socket attached.
  kListen = 3,   // value: port. The reply has the socket attached.
  kSignal = 4,   // value: its number
  kStop = 5,     // all processes but ebb-init stand still
  kContinue = 6
};

struct Order {
  OrderKind kind{};
  uint32_t sequence = 0;
  uint32_t value = 0;
};

// What of an order failed, where errno alone does not say it.
enum class Failed : uint32_t { kNothing = 0, kFork = 1, kFolder = 2, kExecute = 3, kOther = 4 };

struct Reply {
  uint32_t sequence = 0;  // 0: ebb-init is there
  int32_t error = 0;      // errno; 0: done
  Failed failed{};
  uint32_t value = 0;   // of a listening socket: its port
  char text[256] = {};  // what is wrong with a program that cannot be executed; ends with a zero
};

struct ExitEvent {
  int32_t code = 0;
  int32_t signal = 0;
};

}  // namespace ebb::container
