// One number in the kernel's device: the longest time, in microseconds, that a processor may need until it runs.
#include "io/cpu_latency.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace ebb::io {

namespace {

constexpr int32_t kAwake = 0;
constexpr int32_t kNoWish = 2'000'000'000;  // the kernel's PM_QOS_CPU_LATENCY_DEFAULT_VALUE

}  // namespace

Result<CpuLatency> CpuLatency::open(const std::string& device) {
  Fd opened(::open(device.c_str(), O_WRONLY | O_CLOEXEC));
  if (!opened) return fail(ErrorKind::kUnavailable, fmt::format("{} cannot be opened: {}", device, std::strerror(errno)));
  return CpuLatency(std::move(opened));
}

void CpuLatency::keep_awake(bool awake) {
  const int32_t longest = awake ? kAwake : kNoWish;
  // Refused or not: calls are answered all the same.
  [[maybe_unused]] const ssize_t written = ::write(device_.get(), &longest, sizeof longest);
}

}  // namespace ebb::io
