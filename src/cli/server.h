// The admin API as the commands use it: JSON in, JSON or a typed error out.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"
#include "cli/context.h"
#include "cli/http.h"
#include "cli/interrupt.h"
#include "wire/admin_json.h"

namespace ebb::cli {

// Of an answer that cannot be read.
inline constexpr std::string_view kNoSense = "the server's answer makes no sense to this version of ebb";

class Server {
 public:
  Server(const Context& context, const Interrupt& interrupt);

  Result<json::value> get(std::string path, milliseconds time_max = milliseconds(30'000));
  Result<json::value> put(std::string path, const json::value& body);
  Result<json::value> post(std::string path, const json::value& body);
  Result<json::value> remove(std::string path);
  // A body that comes in lines.
  Result<HttpResponse> stream(HttpRequest request, const std::function<bool(std::string_view line)>& take);

  // The array under `key`, each element read by `read`.
  template <class Row>
  Result<std::vector<Row>> list(const std::string& path, std::string_view key, Result<Row> (*read)(const json::value&)) {
    const Result<json::value> answer = get(path);
    if (!answer) return fail(answer.error());
    return rows_of<Row>(*answer, key, read);
  }
  template <class Row>
  static Result<std::vector<Row>> rows_of(const json::value& answer, std::string_view key, Result<Row> (*read)(const json::value&)) {
    ObjectReader reader(answer, "");
    std::vector<Row> rows;
    if (const json::array* array = reader.array(key)) {
      for (const json::value& element : *array) {
        Result<Row> row = read(element);
        if (!row) return fail(row.error().with_context(kNoSense));
        rows.push_back(std::move(*row));
      }
    }
    return rows;
  }

  // A function's answer, in pieces.
  Result<HttpResponse> pieces(const HttpRequest& request, const std::function<bool(std::string_view piece)>& take) { return http_.pieces(request, take); }

  // For requests after one that made a key, where none was needed before.
  void use_key_if_none(std::string key) { http_.use_key_if_none(std::move(key)); }

  const Interrupt& interrupt() const { return interrupt_; }

 private:
  Result<json::value> call(HttpRequest request);

  Http http_;
  const Interrupt& interrupt_;
};

// What an answer with a failing status says, in the admin form or OpenAI's.
Error error_of(const HttpResponse& response);

// "/ebb/v1/endpoints/NAME", NAME encoded.
std::string endpoint_path(std::string_view name);

// For `--json`: the answer as it came, on a line.
Status print_json(Context& context, const json::value& answer);

// Holds Ctrl-C, runs the command, reports its error. A reader of stdout that went away is no error.
int run_client(Context& context, const std::function<Status(Server&, Interrupt&)>& command);

}  // namespace ebb::cli
