// Rules of failure.
#include "control/failure_policy.h"

#include <algorithm>

#include "domain/limits.h"

namespace ebb::control {

AfterDeath after_death(bool gave_text, int kills, bool time_left) {
  if (gave_text) return AfterDeath::kBroken;
  if (kills >= domain::kWorkerKillsPerCallMax) return AfterDeath::kPoison;
  return time_left ? AfterDeath::kRetry : AfterDeath::kTooLate;
}

nanoseconds back_off(int failures) {
  if (failures <= 1) return nanoseconds{0};
  return std::min<nanoseconds>(milliseconds(250) * (int64_t{1} << std::min(failures - 2, 10)), seconds(30));
}

nanoseconds load_silence_max(uint64_t weights_bytes) {
  constexpr uint64_t kSlowestBytesPerSecond = 50ULL << 20U;
  return seconds(30) + seconds(static_cast<int64_t>(weights_bytes / kSlowestBytesPerSecond));
}

nanoseconds load_time_max(uint64_t weights_bytes) {
  // A disk behind a busy network still gives this much; what is slower has no use here.
  constexpr uint64_t kSlowestBytesPerSecond = 10ULL << 20U;
  return seconds(60) + seconds(static_cast<int64_t>(weights_bytes / kSlowestBytesPerSecond));
}

}  // namespace ebb::control
