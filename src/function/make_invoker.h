// The invoker for a function's contract.
#pragma once

#include <memory>

#include "domain/function.h"
#include "function/instance.h"
#include "function/invoker.h"
#include "io/clock.h"

namespace ebb::function {

// `instance`, `start` and `clock` outlive it.
std::unique_ptr<Invoker> make_invoker(const io::asio::any_io_executor& executor, Instance& instance, const domain::FunctionStart& start,
                                      uint64_t answer_bytes_max, const io::Clock& clock);

}  // namespace ebb::function
