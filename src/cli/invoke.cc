// `ebb invoke`: one request to a function, its body and its answer as they are.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>

#include "base/fd.h"
#include "cli/commands.h"
#include "cli/server.h"

namespace ebb::cli {

namespace {

struct InvokeOptions {
  std::string endpoint;
  std::string path;
  std::string data;
  std::string method;
  std::string content_type;
  std::vector<std::string> headers;
};

// What --data names: a file after '@' ("-" is standard input); else the text itself.
Result<Fd> open_data(const Context& context, const std::string& data) {
  const std::string path = data.substr(1);
  if (path == "-") return Fd(::fcntl(context.in, F_DUPFD_CLOEXEC, 0));
  Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return usage_error(errno_error(path, errno).message);
  return file;
}

// JSON where it looks like it.
std::string type_of(const std::string& data) {
  if (data.starts_with('@')) return "application/octet-stream";
  return parse_json(data) ? "application/json" : "text/plain; charset=utf-8";
}

Result<HttpRequest> request_of(const InvokeOptions& options) {
  HttpRequest request{.method = options.method, .path = fmt::format("/invoke/{}", url_encode(options.endpoint)), .time_max = milliseconds(0)};
  std::ranges::transform(request.method, request.method.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  if (request.method.empty()) request.method = options.data.empty() ? "GET" : "POST";
  if (!options.path.empty()) request.path += options.path.starts_with('/') ? options.path : "/" + options.path;
  request.content_type = options.content_type.empty() ? type_of(options.data) : options.content_type;
  for (const std::string& header : options.headers) {
    const size_t colon = header.find(':');
    const bool good = colon != std::string::npos && colon > 0 && std::ranges::none_of(header, [](char c) { return c == '\r' || c == '\n'; });
    if (!good) return usage_error(fmt::format("'{}' is no header: write it as 'Name: value'", header));
    request.headers.push_back(header);
  }
  return request;
}

Status invoke(Context& context, Server& server, const InvokeOptions& options) {
  Result<HttpRequest> request = request_of(options);
  if (!request) return fail(request.error());
  Fd file;
  if (options.data.starts_with('@')) {
    Result<Fd> opened = open_data(context, options.data);
    if (!opened) return fail(opened.error());
    file = std::move(*opened);
    request->read = [&file](char* to, size_t room) {
      const ssize_t count = ::read(file.get(), to, room);
      return count > 0 ? static_cast<size_t>(count) : 0;
    };
  } else {
    request->body = options.data;
  }
  const Result<HttpResponse> answer = server.pieces(*request, [&context](std::string_view piece) {
    context.out.write(piece);
    return !context.out.closed();
  });
  if (!answer) return fail(answer.error());
  if (answer->call.empty()) return fail(error_of(*answer));
  if (answer->status >= 400)
    return fail(ErrorKind::kFunction, fmt::format("the function answered with status {} (`ebb logs {}` has what it said)", answer->status, options.endpoint));
  if (answer->function_failed)
    return fail(ErrorKind::kFunction, fmt::format("the function failed: its answer is the error (`ebb logs {}` has what it said)", options.endpoint));
  return {};
}

}  // namespace

void add_invoke(CLI::App& app, Context& context) {
  CLI::App* const command =
      client_command(app, context, "invoke",
                     {.summary = "Send one request to a function, and print its answer as it comes.",
                      .details = "For endpoints that were deployed with --image. The body goes as it is, and so does the answer, to standard output.",
                      .example = "  ebb invoke resize --data @photo.jpg --content-type image/jpeg > small.jpg\n"
                                 "  ebb invoke hello --data '{\"name\": \"Ada\"}'\n"
                                 "  ebb invoke site --path /items/3?full=1"});
  // Shared with the callback, which the app keeps.
  const auto options = std::make_shared<InvokeOptions>();
  command->add_option("endpoint", options->endpoint, "Which endpoint")->type_name("ENDPOINT")->required();
  command->add_option("-d,--data", options->data, "The body: text, @FILE, or @- for standard input; none if left out")->type_name("TEXT|@FILE");
  command->add_option("--content-type", options->content_type, "Of the body; JSON or plain text by its look, else application/octet-stream")->type_name("TYPE");
  command->add_option("--path", options->path, "Path and query for the function; / if left out")->type_name("PATH");
  command->add_option("-X,--method", options->method, "POST with a body and GET without, if left out")->type_name("METHOD");
  command->add_option("-H,--header", options->headers, "One more header, 'Name: value'; may be repeated")->type_name("HEADER");
  set_action(command, context, [&context, options](Server& server, Interrupt&) { return invoke(context, server, *options); });
}

}  // namespace ebb::cli
