// JSON by the custom handlers' page: Query is JSON in a text, values of headers are arrays, Body is a text.
#include "function/azure_envelope.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/url/params_view.hpp>
#include <boost/url/parse_query.hpp>

#include "base/json.h"
#include "base/utf8.h"
#include "domain/limits.h"
#include "wire/passed_headers.h"
#include "wire/worker_call.h"

namespace ebb::function {

namespace {

std::string utc_text(WallTime now) {
  const auto whole = std::chrono::floor<seconds>(now);
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", whole, (now - whole).count());
}

std::string query_json(std::string_view query) {
  json::object values;
  // A query that is none has no values: the whole of it is in Url.
  if (const auto encoded = boost::urls::parse_query({query.data(), query.size()})) {
    const boost::urls::params_view decoded = *encoded;
    for (const auto& param : decoded)
      values[param.key] = param.value;
  }
  return json::serialize(values);
}

json::object params_json(const AzureTarget& target) {
  json::object values;
  for (const auto& [name, value] : target.params)
    values[name] = replace_invalid_utf8(value);
  return values;
}

json::object headers_json(const domain::HttpHeaders& headers) {
  json::object all;
  for (const auto& [name, value] : headers) {
    json::value& values = all[name];
    if (!values.is_array()) values.emplace_array();
    values.as_array().emplace_back(replace_invalid_utf8(value));
  }
  return all;
}

std::unexpected<Error> no_answer(std::string_view why) {
  return fail(Error{.kind = ErrorKind::kFunction,
                    .message = fmt::format("the custom handler's answer is not what Azure Functions' hosts take: {}", why),
                    .code = "function_bad_answer"});
}

// A text is the body as it is, anything else its JSON.
void set_body(const json::value& value, AzureAnswer& answer) {
  if (value.is_null()) return;
  if (value.is_string()) {
    answer.body = value.as_string();
  } else {
    answer.body = json::serialize(value);
    if (wire::find_header(answer.head.headers, "Content-Type") == nullptr) answer.head.headers.emplace_back("Content-Type", "application/json");
  }
}

// Handlers write the status as a number or as a text.
int status_of(const json::value* status, ObjectReader& reader) {
  if (status == nullptr) return 200;
  int number = 0;
  if (status->is_int64()) number = static_cast<int>(std::clamp<int64_t>(status->as_int64(), 0, 1000));
  if (status->is_string()) number = std::atoi(std::string(status->as_string()).c_str());
  if (number < 200 || number > 599) reader.add_error("statusCode", "it must be 200 to 599");
  return number;
}

void read_headers(const json::object& headers, ObjectReader& reader, domain::HttpHeaders& out) {
  for (const auto& [name, value] : headers) {
    const json::array one{value};
    for (const json::value& each : value.is_array() ? value.as_array() : one) {
      if (each.is_object() || each.is_array() || each.is_null()) {
        reader.add_error("headers", "a header must have a text");
      } else {
        out.emplace_back(name, each.is_string() ? std::string(each.as_string()) : json::serialize(each));
      }
    }
  }
}

}  // namespace

Result<std::string> azure_request(const AzureTarget& target, const domain::HttpRequest& request, std::string_view body, WallTime now, std::string_view id) {
  if (!is_utf8(body))
    return fail(ErrorKind::kInvalid,
                "the body is no UTF-8, and a custom handler gets it as a text in JSON: let its host.json say enableForwardingHttpRequest to have bytes passed");
  const std::string* host = wire::find_header(request.headers, "Host");
  const json::object req{{"Url", fmt::format("http://{}{}", host == nullptr ? "localhost" : *host, request.target)},
                         {"Method", request.method},
                         {"Query", query_json(target.query)},
                         {"Headers", headers_json(request.headers)},
                         {"Params", params_json(target)},
                         {"Identities", json::array()},
                         {"Body", body}};
  const json::object sys{{"MethodName", target.function}, {"UtcNow", utc_text(now)}, {"RandGuid", id}};
  return json::serialize(json::object{{"Data", json::object{{target.input, req}}}, {"Metadata", json::object{{"sys", sys}}}});
}

Result<AzureAnswer> azure_answer(std::string_view text, std::string_view output) {
  const Result<json::value> value = parse_json(text);
  if (!value) return no_answer(value.error().message);
  ObjectReader reader(*value, "answer");
  AzureAnswer answer;
  const json::object* outputs = reader.object("Outputs");
  const json::value* res = outputs == nullptr ? nullptr : outputs->if_contains(output);
  if (output == "$return") res = reader.find("ReturnValue");
  if (res != nullptr && res->is_object()) {
    ObjectReader response(*res, "Outputs.res");
    answer.head.status = status_of(response.find("statusCode"), response);
    if (const json::object* headers = response.object("headers")) read_headers(*headers, response, answer.head.headers);
    if (const json::value* body = response.find("body")) set_body(*body, answer);
    if (!response.ok()) reader.adopt(response.error());
  } else if (const json::value* returned = res != nullptr ? res : reader.find("ReturnValue")) {
    set_body(*returned, answer);
  }
  if (const json::array* logs = reader.array("Logs"))
    for (const json::value& line : *logs)
      if (line.is_string()) answer.logs.emplace_back(line.as_string());
  if (!reader.ok()) return no_answer(reader.error().message);
  answer.head.headers = wire::headers_for_caller(answer.head.headers);
  std::erase_if(answer.head.headers, [](const auto& header) { return wire::same_name(header.first, "Content-Length"); });
  // What the server would not take from us.
  if (const auto checked = wire::decode_http_head(wire::encode_http_head(answer.head)); !checked) return no_answer(checked.error().message);
  return answer;
}

}  // namespace ebb::function
