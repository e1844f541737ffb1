// One line for each kind of contract.
#include "function/make_invoker.h"

#include "function/azure_function.h"
#include "function/http_function.h"
#include "function/lambda_runtime.h"

namespace ebb::function {

std::unique_ptr<Invoker> make_invoker(const io::Executor& executor, Instance& instance, const domain::FunctionStart& start, uint64_t answer_bytes_max,
                                      const io::Clock& clock, std::function<void(const std::string&)> log) {
  if (start.contract == domain::Contract::kLambda) return std::make_unique<LambdaRuntime>(executor, instance, start, clock);
  if (start.contract == domain::Contract::kAzure && !start.forwards) return std::make_unique<AzureFunction>(executor, instance, start, clock, std::move(log));
  return std::make_unique<HttpFunction>(executor, instance, start, answer_bytes_max, clock);
}

}  // namespace ebb::function
