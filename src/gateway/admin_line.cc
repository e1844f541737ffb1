// With a line feed at its end, for who reads it in a terminal.
#include "gateway/admin_line.h"

#include "gateway/exchange.h"
#include "gateway/handlers.h"

namespace ebb::gateway {

std::string line_of(const json::value& value) { return json::serialize(value) + "\n"; }

io::Task<void> answer_line(Exchange& exchange, Result<std::string> line) {
  if (!line) {
    co_await exchange.fail(line.error());
    co_return;
  }
  Response response = json_response(std::move(*line));
  co_await exchange.respond(std::move(response));
}

}  // namespace ebb::gateway
