// Which function of an Azure Functions app a request means, by its method and target. Pure.
//
//   /PREFIX/ROUTE?query   the function with that route, literals before parameters; parameters of the route are the call's
//   /FUNCTION?query       by its name, where no route has it
//   /?query               the one that the endpoint is for: `path` of its specification, or the endpoint's name, or the only one there is
//
// An app that says nothing of its functions has every function that is asked for.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "domain/function.h"

namespace ebb::function {

struct AzureTarget {
  std::string function;
  std::string path;   // of the request, as the function's own route has it: "/api/orders/7"
  std::string query;  // after '?', as it came
  std::vector<std::pair<std::string, std::string>> params = {};
  std::string input = "req";
  std::string output = "res";
};

// kNotFound with the code no_such_function, and which there are.
Result<AzureTarget> azure_target(const domain::FunctionStart& start, std::string_view method, std::string_view target);

}  // namespace ebb::function
