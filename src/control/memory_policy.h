// What a worker needs, whether it fits, and who goes first when it does not.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "domain/endpoint.h"

namespace ebb::control {

// What one worker with `slots` slots takes beyond what is taken already: by measurement where there is one, else by the header's facts.
// Weights that a live worker maps already count nothing.
struct Need {
  uint64_t base_bytes = domain::kWorkerBaseBytes;
  uint64_t weights_bytes = 0;
  bool weights_mapped = false;
  uint64_t slot_bytes = 0;
  std::optional<uint64_t> measured_bytes;  // of a worker with measured_slots
  int measured_slots = 0;
};
uint64_t needed_bytes(const Need& need, int slots);

struct NodeMemory {
  uint64_t limit_bytes = 0;      // for workers
  uint64_t workers_bytes = 0;    // that they take: measured, or as admitted where not measured yet
  uint64_t available_bytes = 0;  // of the machine
  uint64_t reserve_bytes = 0;    // of the machine, never given to workers
  uint64_t promised_bytes = 0;   // admitted a moment ago: taken soon, and still counted as available
};
// What workers may still take.
uint64_t room_bytes(const NodeMemory& memory);
bool under_pressure(const NodeMemory& memory);

// The most slots up to `wanted` that fit into `room`; 0: not even one.
int slots_that_fit(const Need& need, uint64_t room, int wanted);

// kExhausted with the numbers if one slot of this revision can never fit into the node.
Status fits_node(const domain::Revision& revision, uint64_t limit_bytes);
// Likewise if all that it says to keep warm, now or at some time of its schedule, cannot. The param is the field that says so.
Status warm_fits_node(const domain::Revision& revision, uint64_t limit_bytes);

// A worker that could be given up: idle, and not the one that room is wanted for.
struct Victim {
  WorkerId worker;
  double worth = 0;  // what is lost with each byte that it gives back
  MonoTime idle_since{};
  bool kept = false;  // its endpoint asked for slots that are always ready
};
// The least worth first, of equal ones the longest idle.
bool goes_before(const Victim& one, const Victim& other);
// The first of them; kept ones never.
std::optional<Victim> cheapest(std::span<const Victim> victims);

}  // namespace ebb::control
