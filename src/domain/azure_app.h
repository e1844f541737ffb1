// An Azure Functions app with a custom handler, as its files say: host.json, and a folder with a function.json for each function.
#pragma once

#include <string>
#include <vector>

namespace ebb::domain {

// A function that is called by HTTP.
struct AzureRoute {
  std::string function;              // its folder's name
  std::string path;                  // under the app's prefix, with parameters: "orders/{id}/{item?}"; no '/' first
  std::vector<std::string> methods;  // in capitals; empty: all
  std::string input = "req";         // the trigger's name among the envelope's Data
  std::string output = "res";        // the answer's among its Outputs; "$return": it is ReturnValue
  bool operator==(const AzureRoute&) const = default;
};

struct AzureApp {
  std::vector<std::string> argv;  // of the custom handler; argv[0] is absolute, or looked for in PATH
  std::string cwd;                // absolute
  bool forwards = false;          // calls pass as they are, not in an envelope
  std::string prefix = "api";     // of all routes, no '/' at an end; may be empty
  std::vector<AzureRoute> routes;
  bool operator==(const AzureApp&) const = default;
};

}  // namespace ebb::domain
