// POST /v1/classify: by what the body is.
#include "wire/classify.h"

#include <fmt/format.h>

#include "gateway/answer.h"
#include "gateway/exchange.h"
#include "gateway/handlers.h"
#include "wire/multipart.h"

namespace ebb::gateway {

namespace {

Result<wire::Asked> ask(const Exchange& exchange) {
  const Request& request = exchange.request();
  const io::beast::string_view value = request.message[io::http::field::content_type];
  const std::string_view type(value.data(), value.size());
  if (wire::is_form(type)) return wire::ask_classify_form(type, request.body());
  if (type.starts_with("image/")) {
    const std::string_view model = request.target.find("model").value_or("");
    return wire::ask_classify_image(std::string(model), request.target.find("top").value_or(""), request.body());
  }
  return wire::ask_classify_text(request.body());
}

}  // namespace

io::Task<void> classify(Services& services, Exchange& exchange) { return answer(services, exchange, wire::Operation::kClassification, ask(exchange)); }

}  // namespace ebb::gateway
