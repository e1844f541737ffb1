// Reading tick counters; differences say what happened between two readings.
#include "instance/cpu.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <memory>
#include <string>

namespace ebb::instance {

namespace {

// Fewer ticks than this (a tenth of a second on each of two cores) say nothing.
constexpr uint64_t kTicksMin = 20;

std::vector<uint64_t> numbers_of(std::string_view text) {
  std::vector<uint64_t> numbers;
  const char* at = text.data();
  const char* end = text.data() + text.size();
  while (at < end) {
    uint64_t number = 0;
    const auto [after, error] = std::from_chars(at, end, number);
    if (error == std::errc{}) numbers.push_back(number);
    at = error == std::errc{} ? after : at + 1;
  }
  return numbers;
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

}  // namespace

CpuTimes parse_cpu_line(std::string_view line) {
  // user nice system idle iowait irq softirq steal …; guest time is part of user.
  const std::vector<uint64_t> ticks = numbers_of(line);
  CpuTimes times;
  for (size_t i = 0; i < std::min<size_t>(ticks.size(), 8); ++i) {
    times.total_ticks += ticks[i];
    if (i != 3 && i != 4) times.busy_ticks += ticks[i];
  }
  return times;
}

uint64_t parse_process_ticks(std::string_view stat) {
  // The name in brackets may hold anything; fields are counted from behind it: the 12th and 13th are utime and stime.
  const size_t name_end = stat.rfind(')');
  if (name_end == std::string_view::npos) return 0;
  std::string_view rest = stat.substr(name_end + 1);
  uint64_t sum = 0;
  for (int field = 1; field <= 13 && !rest.empty(); ++field) {
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    const size_t end = std::min(rest.find(' '), rest.size());
    const std::string_view value = rest.substr(0, end);
    uint64_t ticks = 0;
    if (field >= 12) std::from_chars(std::to_address(value.begin()), std::to_address(value.end()), ticks);
    sum += ticks;
    rest.remove_prefix(end);
  }
  return sum;
}

CpuTimes read_cpu_times(const std::vector<std::pair<WorkerId, int>>& workers) {
  CpuTimes times = parse_cpu_line(first_line("/proc/stat"));
  for (const auto& [worker, pid] : workers)
    times.workers_ticks += parse_process_ticks(first_line(fmt::format("/proc/{}/stat", pid)));
  return times;
}

std::optional<double> cores_busy_elsewhere(const CpuTimes& before, const CpuTimes& after, int cores) {
  if (before.total_ticks == 0 || after.total_ticks < before.total_ticks + kTicksMin) return std::nullopt;
  const auto total = static_cast<double>(after.total_ticks - before.total_ticks);
  const auto busy = static_cast<double>(after.busy_ticks - std::min(before.busy_ticks, after.busy_ticks));
  // A worker that ended took its ticks along: then this is an underestimate, for one reading.
  const auto ours = static_cast<double>(after.workers_ticks - std::min(before.workers_ticks, after.workers_ticks));
  return std::clamp((busy - ours) / total * cores, 0.0, static_cast<double>(cores));
}

double CpuWatch::read(const CpuTimes& now) {
  if (const std::optional<double> busy = cores_busy_elsewhere(last_, now, cores_)) {
    busy_ = *busy;
    last_ = now;
  } else if (last_.total_ticks == 0) {
    last_ = now;
  }
  return busy_;
}

int parse_runnable(std::string_view loadavg) {
  const size_t slash = loadavg.find('/');
  if (slash == std::string_view::npos) return 0;
  const std::string_view before = loadavg.substr(0, slash);
  const std::string_view number = before.substr(before.rfind(' ') + 1);
  int runnable = 0;
  std::from_chars(std::to_address(number.begin()), std::to_address(number.end()), runnable);
  return runnable;
}

bool alone_now(const std::vector<std::pair<WorkerId, int>>& workers) {
  const int runnable = parse_runnable(first_line("/proc/loadavg"));
  if (runnable == 0) return false;  // it could not be read
  int ours = 1;
  for (const auto& [worker, pid] : workers) {
    const std::string stat = first_line(fmt::format("/proc/{}/stat", pid));
    if (const size_t name_end = stat.rfind(')'); name_end != std::string::npos && stat.substr(name_end, 3) == ") R") ++ours;
  }
  return runnable <= ours;
}

}  // namespace ebb::instance
