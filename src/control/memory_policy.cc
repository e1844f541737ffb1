// Sums of bytes, and an order of victims.
#include "control/memory_policy.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "domain/schedule.h"

namespace ebb::control {

uint64_t needed_bytes(const Need& need, int slots) {
  const uint64_t slots_bytes = static_cast<uint64_t>(slots) * need.slot_bytes;
  const uint64_t estimate = (need.weights_mapped ? 0 : need.weights_bytes) + need.base_bytes + slots_bytes;
  if (!need.measured_bytes) return estimate;
  // Measured with other slots than are wanted now: what differs is estimated.
  const auto more_slots = static_cast<int64_t>(slots) - need.measured_slots;
  const int64_t bytes = static_cast<int64_t>(*need.measured_bytes) + more_slots * static_cast<int64_t>(need.slot_bytes);
  return std::max(static_cast<uint64_t>(std::max<int64_t>(bytes, 0)), slots_bytes);
}

uint64_t room_bytes(const NodeMemory& memory) {
  const uint64_t by_limit = memory.limit_bytes > memory.workers_bytes ? memory.limit_bytes - memory.workers_bytes : 0;
  const uint64_t spoken_for = memory.reserve_bytes + memory.promised_bytes;
  const uint64_t by_machine = memory.available_bytes > spoken_for ? memory.available_bytes - spoken_for : 0;
  return std::min(by_limit, by_machine);
}

bool under_pressure(const NodeMemory& memory) { return memory.available_bytes < memory.reserve_bytes || memory.workers_bytes > memory.limit_bytes; }

int slots_that_fit(const Need& need, uint64_t room, int wanted) {
  int slots = std::max(wanted, 0);
  while (slots > 0 && needed_bytes(need, slots) > room)
    --slots;
  return slots;
}

namespace {

Need need_alone(const domain::Revision& revision) {
  return {.base_bytes = revision.by_instances() ? domain::kInstanceBaseBytes : domain::kWorkerBaseBytes,
          .weights_bytes = revision.weights_bytes(),
          .weights_mapped = false,
          .slot_bytes = revision.slot_bytes(),
          .measured_bytes = std::nullopt,
          .measured_slots = 0};
}

}  // namespace

Status fits_node(const domain::Revision& revision, uint64_t limit_bytes) {
  const Need need = need_alone(revision);
  const uint64_t bytes = needed_bytes(need, 1);
  if (bytes <= limit_bytes) return {};
  if (revision.by_instances())
    return fail(ErrorKind::kExhausted,
                fmt::format("one instance of '{}' may take {} MiB, and workers may take {} MiB here: give it less 'memory', or give `ebb serve` more --memory",
                            revision.spec.name, bytes >> 20U, limit_bytes >> 20U),
                "memory");
  return fail(
      ErrorKind::kExhausted,
      fmt::format("one slot of '{}' needs about {} MiB ({} MiB of weights, {} MiB for a context of {} tokens), and workers may take {} MiB here: use a smaller "
                  "model or 'context', or give `ebb serve` more --memory",
                  revision.spec.name, bytes >> 20U, need.weights_bytes >> 20U, need.slot_bytes >> 20U, revision.context_tokens, limit_bytes >> 20U),
      "memory");
}

Status warm_fits_node(const domain::Revision& revision, uint64_t limit_bytes) {
  const Need need = need_alone(revision);
  const domain::Scaling& scaling = revision.spec.scaling;
  const int warm = domain::most_provisioned(scaling);
  const uint64_t one = needed_bytes(need, 1);
  const uint64_t bytes = revision.by_instances() ? one * static_cast<uint64_t>(warm) : needed_bytes(need, std::max(warm, 1));
  if (bytes <= limit_bytes) return {};
  const auto entry = std::ranges::find(scaling.schedule, warm, &domain::ProvisionedAt::provisioned);
  const std::string field = scaling.min == warm           ? "scaling.min"
                            : scaling.provisioned == warm ? "scaling.provisioned"
                                                          : fmt::format("scaling.schedule[{}].provisioned", entry - scaling.schedule.begin());
  return fail(
      ErrorKind::kExhausted,
      fmt::format("'{}' keeps {} {} of '{}' warm, which need about {} MiB together ({} MiB for one), and workers may take {} MiB here: keep fewer warm, or "
                  "give `ebb serve` more --memory",
                  field, warm, revision.by_instances() ? "instances" : "slots", revision.spec.name, bytes >> 20U, one >> 20U, limit_bytes >> 20U),
      field);
}

bool goes_before(const Victim& one, const Victim& other) {
  return std::tuple(one.worth, one.idle_since, one.worker) < std::tuple(other.worth, other.idle_since, other.worker);
}

std::optional<Victim> cheapest(std::span<const Victim> victims) {
  const Victim* best = nullptr;
  for (const Victim& victim : victims) {
    if (victim.kept) continue;
    if (best == nullptr || goes_before(victim, *best)) best = &victim;
  }
  return best == nullptr ? std::nullopt : std::optional(*best);
}

}  // namespace ebb::control
