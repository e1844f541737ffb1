// Expected failure as a value: Result<T> holds a T or an Error of one of a dozen kinds.
//
// Exceptions are bugs. A function that can fail for a reason outside the program returns a Result, adds its own context once
// (`with_context`), and lets the caller decide. Front doors translate the kind into their dialect's status.
#pragma once

#include <chrono>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace ebb {

enum class ErrorKind {
  kInvalid,       // the caller's input is wrong; `param` says where
  kUnauthorized,  // no key, or the wrong one
  kNotFound,      // the named thing does not exist
  kExists,        // it exists already, or a conflicting one does
  kTooLarge,      // over a stated size limit
  kOverloaded,    // no room now; `retry_after` says when
  kExhausted,     // a resource of the machine ran out
  kQuota,         // what the caller may spend is used up; `retry_after` says when there is more
  kForbidden,     // the key is right, and may not do this
  kUnavailable,   // draining, starting, or a dependency is down
  kTimeout,       // a deadline passed
  kCancelled,     // the caller left
  kPoison,        // the input itself breaks workers
  kFunction,      // a function ended, or answered what is no answer: its owner's affair
  kCorrupt,       // stored or received bytes are not what they must be
  kIo,            // the operating system said no
  kInternal,      // our fault
};

// The kind as a stable lower-case word, for logs, metrics and JSON.
std::string_view to_string(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::kInternal;
  std::string message;                       // a sentence for a person: what was wrong, where, and what to do
  std::string param = {};                    // the field of the request that is at fault, or empty
  std::string code = {};                     // a machine-readable code where a dialect has one, else empty
  std::chrono::milliseconds retry_after{0};  // zero: no advice

  // The same error, its message prefixed with "context: ".
  [[nodiscard]] Error with_context(std::string_view context) const;
};

template <class T>
using Result = std::expected<T, Error>;
using Status = Result<void>;

// `return fail(ErrorKind::kInvalid, "…");` from any function that returns a Result.
[[nodiscard]] inline std::unexpected<Error> fail(ErrorKind kind, std::string message, std::string param = {}) {
  return std::unexpected<Error>(Error{.kind = kind, .message = std::move(message), .param = std::move(param)});
}
[[nodiscard]] inline std::unexpected<Error> fail(Error error) { return std::unexpected<Error>(std::move(error)); }

// An Error of kind kIo (or kNotFound, kExists, kExhausted where errno says so) with "what: strerror".
[[nodiscard]] Error errno_error(std::string_view what, int errno_value);

}  // namespace ebb
