// Which headers pass between a caller and a container function: one rule, for both directions. Pure.
//
//   never            what belongs to one connection: Connection and all that it names, Keep-Alive, Proxy-*, TE, Trailer, Transfer-Encoding, Upgrade,
//                    Expect, HTTP2-Settings; each side has its own
//   the platform's   Ebb-*, X-Request-Id, Server-Timing: what the other says under these names does not pass
//   set or added     to the function: Host as the caller had it, X-Request-Id, traceparent; X-Forwarded-For and Forwarded are continued,
//                    X-Forwarded-Proto is kept
//   passes           all else, in its order and with its spelling. Content-Length passes and is what frames the body: it is checked against it
//
// The server applies this to what a caller sends and to what a worker says; the worker to what a function says.
#pragma once

#include <string>
#include <string_view>

#include "domain/http.h"

namespace ebb::wire {

struct CallerFacts {
  std::string address;  // of the peer, without its port
  std::string protocol = "http";
  std::string request_id;
  std::string traceparent;  // of our own part of the trace
};

domain::HttpHeaders headers_for_function(const domain::HttpHeaders& from_caller, const CallerFacts& caller);
// Of an answer's head.
domain::HttpHeaders headers_for_caller(const domain::HttpHeaders& from_function);
// Of what comes after a body: nothing there may change how the message was framed, routed or understood.
domain::HttpHeaders trailers_that_pass(const domain::HttpHeaders& trailers);

// The first value of a header, whatever its case; nullptr: none.
const std::string* find_header(const domain::HttpHeaders& headers, std::string_view name);
bool same_name(std::string_view a, std::string_view b);

// Whether the caller wants another protocol than HTTP on this connection. An offer of HTTP/2 may be left unanswered; anything else would wait
// for what never comes, and is refused with 501.
bool asks_for_upgrade(const domain::HttpHeaders& headers);

}  // namespace ebb::wire
