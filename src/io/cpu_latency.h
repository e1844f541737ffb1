// Whether the machine's idle processors sleep, or wait awake: what Linux calls the quality of service of its processors' latency
// (Documentation/power/pm_qos_interface.rst).
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace ebb::io {

// A processor that sleeps needs some time until it runs again: 35 us in a virtual machine, where its host has to wake it, 2 us where it waits awake.
class CpuLatency {
 public:
  // kUnavailable: this process may not ask for it, or the machine does not know it. Until keep_awake nothing is asked for.
  static Result<CpuLatency> open(const std::string& device = "/dev/cpu_dma_latency");

  // From now on idle processors of the whole machine wait awake, or sleep as they would without us; until this object, or this process, ends. A few us.
  void keep_awake(bool awake);

 private:
  explicit CpuLatency(Fd device) : device_(std::move(device)) {}

  Fd device_;
};

}  // namespace ebb::io
