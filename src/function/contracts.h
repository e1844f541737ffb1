// In what the contracts differ, as values: the program's environment, when it is ready, where a call goes. Pure.
//
//              environment                         ready when                                 a call goes to
//   lambda     AWS_LAMBDA_RUNTIME_API and names    it asks for its first call                 (it asks; lambda_runtime.h)
//   cloudrun   PORT, K_*                           its port is open                           the caller's own target
//   sagemaker  SAGEMAKER_BIND_TO_PORT (not 8080)   GET /ping gives 200                        POST /invocations
//   azure      FUNCTIONS_CUSTOMHANDLER_PORT        its port is open                           POST /FUNCTION in an envelope, or /api/FUNCTION as it is
//   kserve     AIP_*, PORT                         AIP_HEALTH_ROUTE, /v2/health/ready or      the caller's own; "/" to AIP_PREDICT_ROUTE
//                                                  /v1/models gives 200
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "container/sandbox.h"
#include "domain/function.h"
#include "domain/http.h"

namespace ebb::function {

// What the contract promises wins over what the image says; what it only proposes does not.
container::Program program_of(const domain::FunctionStart& start);

// Paths of which one has to give 200; empty: an open port is enough. Not for kLambda.
std::vector<std::string> health_paths(const domain::FunctionStart& start);

// The request that the function gets for the caller's. Errors: kInvalid with a code, for what the contract has no call for.
Result<domain::HttpRequest> request_of(const domain::FunctionStart& start, domain::HttpRequest request);

}  // namespace ebb::function
