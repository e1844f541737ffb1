// Which busy workers compute now, and with how many threads: the sum never exceeds the cores, because the engines' barriers spin.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "domain/priority.h"

namespace ebb::control {

// Threads of each of the busy workers, in their order, by the most urgent call of each. Up to as many workers as cores share them equally (the first ones get
// what is left over). Of more, those of a higher class have one each before those of a lower one have any, and within a class they take turns: `rotation` says
// who begins, the rest are paused with 0. Every eighth turn nobody's class counts, so that the lowest make progress, too.
std::vector<int> share_cores(int cores, std::span<const domain::Priority> busy, uint64_t rotation);

// Cores for engines while `busy_elsewhere` of them do other work: one is given up when more than half of it is taken, and taken back
// when less than a fifth is, so that the number does not flutter. At least 1.
int cores_for_engines(int cores, double busy_elsewhere, int now);

}  // namespace ebb::control
