// Names of error kinds, and errors made from errno.
#include "base/result.h"

#include <cerrno>
#include <system_error>

namespace ebb {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid: return "invalid";
    case ErrorKind::kUnauthorized: return "unauthorized";
    case ErrorKind::kNotFound: return "not_found";
    case ErrorKind::kExists: return "exists";
    case ErrorKind::kTooLarge: return "too_large";
    case ErrorKind::kOverloaded: return "overloaded";
    case ErrorKind::kExhausted: return "exhausted";
    case ErrorKind::kQuota: return "quota";
    case ErrorKind::kForbidden: return "forbidden";
    case ErrorKind::kUnavailable: return "unavailable";
    case ErrorKind::kTimeout: return "timeout";
    case ErrorKind::kCancelled: return "cancelled";
    case ErrorKind::kPoison: return "poison";
    case ErrorKind::kFunction: return "function";
    case ErrorKind::kCorrupt: return "corrupt";
    case ErrorKind::kIo: return "io";
    case ErrorKind::kInternal: return "internal";
  }
  return "internal";
}

Error Error::with_context(std::string_view context) const {
  Error wrapped = *this;
  wrapped.message = std::string(context) + ": " + message;
  return wrapped;
}

Error errno_error(std::string_view what, int errno_value) {
  ErrorKind kind = ErrorKind::kIo;
  if (errno_value == ENOENT) kind = ErrorKind::kNotFound;
  if (errno_value == EEXIST) kind = ErrorKind::kExists;
  if (errno_value == ENOSPC || errno_value == EDQUOT || errno_value == EMFILE || errno_value == ENFILE || errno_value == ENOMEM) kind = ErrorKind::kExhausted;
  return Error{.kind = kind, .message = std::string(what) + ": " + std::generic_category().message(errno_value)};
}

}  // namespace ebb
