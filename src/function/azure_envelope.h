// A call of an Azure Functions custom handler as JSON, and its answer. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "domain/http.h"
#include "function/azure_routes.h"

namespace ebb::function {

// {"Data":{"req":…},"Metadata":{"sys":…}}. Error kInvalid: the body is no UTF-8; it would have to be JSON text.
Result<std::string> azure_request(const AzureTarget& target, const domain::HttpRequest& request, std::string_view body, WallTime now, std::string_view id);

struct AzureAnswer {
  domain::HttpHead head;
  std::string body;
  std::vector<std::string> logs;
};
// Of {"Outputs":{"res":{statusCode, headers, body}},"Logs":[…],"ReturnValue":…}: without a `res` the return value is the body. Error kFunction with
// the code function_bad_answer: it is none of this. `output`: what the function's files call `res`; "$return": it is the return value.
Result<AzureAnswer> azure_answer(std::string_view text, std::string_view output = "res");

}  // namespace ebb::function
