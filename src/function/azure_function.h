// A custom handler of Azure Functions that is not proxied: a call is POST /FUNCTION with the caller's request as JSON in it, the answer likewise.
// Neither streams: both are whole documents of at most kEnvelopeBytesMax.
#pragma once

#include <functional>
#include <random>
#include <string>

#include "function/http_function.h"
#include "io/clock.h"

namespace ebb::function {

class AzureFunction final : public HttpFunction {
 public:
  // `log` gets the lines that come with an answer. All outlive it.
  AzureFunction(const io::Executor& executor, Instance& instance, const domain::FunctionStart& start, const io::Clock& clock,
                std::function<void(const std::string&)> log);

  void invoke(std::shared_ptr<Call> call) override;

 private:
  io::Task<void> serve(std::shared_ptr<Call> call);
  // The answer of one exchange, read to its end.
  io::Task<Result<std::string>> exchange(std::shared_ptr<Call> call, std::string request);

  std::function<void(const std::string&)> log_;
  std::mt19937_64 random_;  // ids of invocations, seen by their own handler only
};

}  // namespace ebb::function
