// The routes as a table.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/errors.h"
#include "io/asio.h"

namespace ebb::gateway {

class Exchange;
struct Services;

// Who may call: whoever has a key with this scope, once there are keys; before, whoever is on this machine. No page in a browser may use routes for other
// scopes than kInvoke: pages of deployed functions come from this very address.
enum class Auth {
  kOpen,     // says nothing: probes
  kMetrics,  // says what endpoints there are, and nothing of tenants: for whoever is on this machine, and for keys with the scope deploy
  kInvoke,
  kRead,
  kDeploy,
  kAdmin,
};

// How long a request's body may be.
enum class Body {
  kOrdinary,
  kTensors,  // kTensorBodyBytesMax, packed or not
  kPieces,   // kFunctionBodyBytesMax; the handler reads it, by Exchange::read_piece
};

using Handler = io::Task<void> (*)(Services&, Exchange&);

struct Route {
  std::string_view method;   // "*": any
  std::string_view pattern;  // see match_path
  Dialect dialect;
  Auth auth;
  Handler handler;
  Body body = Body::kOrdinary;
};

std::span<const Route> routes();

struct RouteMatch {
  const Route* route = nullptr;
  std::vector<std::pair<std::string, std::string>> params;
  std::string allow;  // without a route: the methods of this path, if the path is known
};

// HEAD finds the route of GET. Clients of inference protocols join paths carelessly: below /v2 and /v1/models more than one slash at the beginning and one
// at the end are passed over.
RouteMatch find_route(std::string_view method, std::string_view path);

}  // namespace ebb::gateway
