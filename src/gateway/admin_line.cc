// With a line feed at its end, for who reads it in a terminal.
#include "gateway/admin_line.h"

#include <fmt/format.h>

#include <charconv>

#include "gateway/exchange.h"
#include "gateway/handlers.h"

namespace ebb::gateway {

std::string line_of(const json::value& value) { return json::serialize(value) + "\n"; }

Result<int64_t> entry_asked_for(const Target& target) {
  int64_t after = 0;
  for (const auto& [key, value] : target.query) {
    if (key != "after") return fail(ErrorKind::kInvalid, fmt::format("'{}' is not a known parameter: there is after", key), key);
    const auto read = std::from_chars(value.data(), value.data() + value.size(), after);
    if (read.ec != std::errc() || read.ptr != value.data() + value.size() || after < 0)
      return fail(ErrorKind::kInvalid, fmt::format("'after' is '{}', but must be the number of an entry, or 0", value.substr(0, 40)), "after");
  }
  return after;
}

io::Task<void> answer_line(Exchange& exchange, Result<std::string> line) {
  if (!line) {
    co_await exchange.fail(line.error());
    co_return;
  }
  Response response = json_response(std::move(*line));
  co_await exchange.respond(std::move(response));
}

}  // namespace ebb::gateway
