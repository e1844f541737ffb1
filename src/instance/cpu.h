// How busy the machine's cores are with other work than our workers: what engines' threads must leave alone, because their barriers
// spin and a thread that is kept from its core holds up all others.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"

namespace ebb::instance {

struct CpuTimes {
  uint64_t busy_ticks = 0;     // of all cores: user, nice, system, interrupts, and what the host took
  uint64_t total_ticks = 0;    // of all cores
  uint64_t workers_ticks = 0;  // of our workers, as far as they live
};

// /proc/stat, and /proc/<pid>/stat of each worker. About 100 µs.
CpuTimes read_cpu_times(const std::vector<std::pair<WorkerId, int>>& workers);

// Cores that were busy with others between two readings, as a number such as 0.7. Nothing when there was no reading before, or too little time
// lies between them.
std::optional<double> cores_busy_elsewhere(const CpuTimes& before, const CpuTimes& after, int cores);

// What others take, from reading to reading. Pure.
class CpuWatch {
 public:
  explicit CpuWatch(int cores) : cores_(cores) {}

  // What was before this reading says nothing of what follows.
  void begin(const CpuTimes& now) { last_ = now; }
  // Nor does what was answered: at this reading nobody else runs.
  void begin_alone(const CpuTimes& now) {
    last_ = now;
    busy_ = 0;
  }
  // Cores that were busy with others since the last reading; what was answered before, and no new beginning, while that is too short.
  double read(const CpuTimes& now);

 private:
  int cores_;
  CpuTimes last_;
  double busy_ = 0;
};

// Whether at this moment nobody runs or wants to but this thread and the workers: what others did in the last seconds is over. About 20 µs.
bool alone_now(const std::vector<std::pair<WorkerId, int>>& workers);

// How many tasks of the machine run or want to, by /proc/loadavg: "0.5 0.4 0.3 2/345 678". Pure; 0 for what is no such text.
int parse_runnable(std::string_view loadavg);

// The first line of /proc/stat. Pure.
CpuTimes parse_cpu_line(std::string_view line);
// User and system time of a /proc/<pid>/stat. Pure; 0 for what is no such text.
uint64_t parse_process_ticks(std::string_view stat);

}  // namespace ebb::instance
