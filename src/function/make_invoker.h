// The invoker for a function's contract.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "domain/function.h"
#include "function/instance.h"
#include "function/invoker.h"
#include "io/clock.h"

namespace ebb::function {

// `log` gets what an answer says for the function's log. All outlive it.
std::unique_ptr<Invoker> make_invoker(const io::Executor& executor, Instance& instance, const domain::FunctionStart& start, uint64_t answer_bytes_max,
                                      const io::Clock& clock, std::function<void(const std::string&)> log);

}  // namespace ebb::function
