// Azure's public trace of functions of 2019, and samples of it: how often each function was called in each minute of a day, with percentiles of run times by
// function and of memory by app in two files of their own, which may be missing.
//
//   counts      invocations_per_function_md.anon.d01.csv …     sample-inv.csv
//   run times   function_durations_percentiles.anon.d01.csv    sample-run.csv
//   memory      app_memory_percentiles.anon.d01.csv            sample-mem.csv
//
// Of several run times of a function (a row each day) those of the most calls hold, of several sizes of memory the largest.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "plan/trace.h"
#include "plan/trace_lines.h"

namespace ebb::plan {

bool is_azure_functions(std::string_view header);

// One day; `header` was the first line of `lines`. The other two files are looked for by the name of this one.
Result<Trace> read_azure_day(TraceLines lines, std::string_view header);

// The days of a folder in their order, which must have no gap. A function that is missing on one has no calls there.
Result<Trace> read_azure_days(const std::string& folder);

}  // namespace ebb::plan
