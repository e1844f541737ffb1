// libcurl's multi interface with one transfer, so that an interrupt wakes it at once.
#include "cli/http.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include <array>
#include <cctype>
#include <mutex>

#include "base/check.h"
#include "cli/interrupt.h"
#include "cli/lines.h"
#include "cli/output.h"

namespace ebb::cli {

namespace {

constexpr size_t kHeaderValueBytesMax = 4096;
constexpr int kTickMs = 200;

Error unreachable(std::string_view server) {
  return Error{.kind = ErrorKind::kUnavailable,
               .message = fmt::format("no server answers at {}: start one with `ebb serve`, or name another with --server or EBB_URL", server),
               .code = std::string(kUnreachable)};
}

void close_easy(void* handle) { curl_easy_cleanup(handle); }
void close_multi(void* handle) { curl_multi_cleanup(handle); }

// Only a client command needs libcurl: `ebb serve` must stay without its threads and files.
void* new_easy() {
  static std::once_flag once;
  std::call_once(once, [] { EBB_CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); });
  void* const handle = curl_easy_init();
  EBB_CHECK(handle != nullptr);
  return handle;
}

bool is_loopback(std::string_view server) {
  const size_t scheme = server.find("://");
  std::string_view host = scheme == std::string_view::npos ? server : server.substr(scheme + 3);
  host = host.substr(0, host.find('/'));
  if (host.starts_with('[')) return host.starts_with("[::1]");
  host = host.substr(0, host.find(':'));
  return host == "localhost" || host.starts_with("127.");
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.back() == '\r' || text.back() == '\n' || text.back() == ' '))
    text.remove_suffix(1);
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  return text;
}

bool same_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    if (std::tolower(static_cast<unsigned char>(a[i])) != b[i]) return false;
  }
  return true;
}

}  // namespace

struct Http::Transfer {
  CURL* easy = nullptr;
  HttpResponse response;
  LineSplitter* lines = nullptr;  // of a stream
  const std::function<bool(std::string_view)>* pieces = nullptr;
  const std::function<size_t(char*, size_t)>* read = nullptr;
  bool too_large = false;
  bool taker_ended = false;
  CURLcode code = CURLE_OK;
  char trouble[CURL_ERROR_SIZE] = "";  // in libcurl's words

  static size_t on_body(char* data, size_t size, size_t count, void* self) { return static_cast<Transfer*>(self)->body({data, size * count}); }
  static size_t on_header(char* data, size_t size, size_t count, void* self) {
    static_cast<Transfer*>(self)->header({data, size * count});
    return size * count;
  }

  static size_t on_read(char* to, size_t size, size_t count, void* self) { return (*static_cast<Transfer*>(self)->read)(to, size * count); }

  size_t body(std::string_view bytes) {
    if (response.status == 0) curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status_long);
    response.status = static_cast<int>(status_long);
    if (lines != nullptr && response.status < 300) {
      if (lines->feed(bytes)) return bytes.size();
      too_large = lines->too_long();
      taker_ended = !too_large;
      return 0;
    }
    if (pieces != nullptr && !response.call.empty()) {
      taker_ended = !(*pieces)(bytes);
      return taker_ended ? 0 : bytes.size();
    }
    if (response.body.size() + bytes.size() > kHttpAnswerBytesMax) {
      too_large = true;
      return 0;
    }
    response.body += bytes;
    return bytes.size();
  }

  void header(std::string_view line) {
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return;
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = trimmed(line.substr(colon + 1)).substr(0, kHeaderValueBytesMax);
    if (same_name(name, "x-request-id")) response.request_id = value;
    if (same_name(name, "retry-after")) response.retry_after = value;
    if (same_name(name, "ebb-call")) response.call = value;
    if (same_name(name, "x-amz-function-error")) response.function_failed = true;
  }

  long status_long = 0;
};

Http::Http(std::string server, std::string key, std::string ca, std::string user_agent, const Interrupt& interrupt)
    : server_(std::move(server)),
      key_(std::move(key)),
      ca_(std::move(ca)),
      user_agent_(std::move(user_agent)),
      interrupt_(interrupt),
      easy_(new_easy(), close_easy),
      multi_(curl_multi_init(), close_multi) {
  while (server_.ends_with('/'))
    server_.pop_back();
  EBB_CHECK(multi_ != nullptr);
}

Http::~Http() = default;

Result<HttpResponse> Http::send(const HttpRequest& request) {
  Transfer transfer;
  if (Status done = perform(request, transfer); !done) return fail(done.error());
  return std::move(transfer.response);
}

Result<HttpResponse> Http::stream(const HttpRequest& request, const std::function<bool(std::string_view line)>& take) {
  LineSplitter lines(take);
  Transfer transfer;
  transfer.lines = &lines;
  if (Status done = perform(request, transfer); !done) return fail(done.error());
  if (!transfer.taker_ended) lines.finish();
  return std::move(transfer.response);
}

Result<HttpResponse> Http::pieces(const HttpRequest& request, const std::function<bool(std::string_view piece)>& take) {
  Transfer transfer;
  transfer.pieces = &take;
  if (Status done = perform(request, transfer); !done) return fail(done.error());
  return std::move(transfer.response);
}

namespace {

using Headers = std::unique_ptr<curl_slist, void (*)(curl_slist*)>;

Headers headers_of(const HttpRequest& request, const std::string& key) {
  curl_slist* list = curl_slist_append(nullptr, ("Content-Type: " + request.content_type).c_str());
  for (const std::string& header : request.headers)
    list = curl_slist_append(list, header.c_str());
  if (!key.empty()) list = curl_slist_append(list, ("Authorization: Bearer " + key).c_str());
  list = curl_slist_append(list, "Accept: application/json, text/event-stream");
  return {curl_slist_append(list, "Expect:"), curl_slist_free_all};
}

}  // namespace

Status Http::perform(const HttpRequest& request, Transfer& transfer) {
  CURL* const easy = easy_.get();
  transfer.easy = easy;
  curl_easy_reset(easy);
  const std::string url = server_ + request.path;
  const Headers headers = headers_of(request, key_);
  curl_easy_setopt(easy, CURLOPT_URL, url.c_str());
  curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request.method.c_str());
  curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers.get());
  curl_easy_setopt(easy, CURLOPT_USERAGENT, user_agent_.c_str());
  curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(kHttpConnectTimeMax.count()));
  curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, static_cast<long>(request.time_max.count()));
  if (!ca_.empty()) curl_easy_setopt(easy, CURLOPT_CAINFO, ca_.c_str());
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer.trouble);
  if (is_loopback(server_)) curl_easy_setopt(easy, CURLOPT_PROXY, "");
  if (request.method == "HEAD") curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
  if (request.read) {
    transfer.read = &request.read;
    curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(easy, CURLOPT_READFUNCTION, &Transfer::on_read);
    curl_easy_setopt(easy, CURLOPT_READDATA, &transfer);
  } else if (!request.body.empty() || request.method == "POST" || request.method == "PUT") {
    curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request.body.c_str());
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
  }
  curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer);
  curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer);

  CURLM* const multi = multi_.get();
  EBB_CHECK(curl_multi_add_handle(multi, easy) == CURLM_OK);
  Status done = wait(multi, request, transfer);
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  transfer.response.status = static_cast<int>(status);
  curl_multi_remove_handle(multi, easy);
  curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, nullptr);  // the handle outlives what it points to
  return done;
}

Status Http::wait(void* multi, const HttpRequest& request, const Transfer& transfer) {
  int running = 1;
  while (running > 0) {
    if (interrupt_.raised()) return fail(ErrorKind::kCancelled, "interrupted");
    EBB_CHECK(curl_multi_perform(multi, &running) == CURLM_OK);
    curl_waitfd wake{.fd = interrupt_.fd(), .events = CURL_WAIT_POLLIN, .revents = 0};
    if (running > 0) curl_multi_poll(multi, &wake, 1, kTickMs, nullptr);
    if (request.tick) request.tick();
  }
  int left = 0;
  const CURLMsg* const message = curl_multi_info_read(multi, &left);
  EBB_CHECK(message != nullptr && message->msg == CURLMSG_DONE);
  const CURLcode code = message->data.result;
  if (code == CURLE_OK || transfer.taker_ended) return {};
  if (transfer.too_large) return fail(ErrorKind::kTooLarge, fmt::format("{} sent more than this program will hold", server_));
  return fail(error_of(code, transfer));
}

// What kept an answer from coming.
Error Http::error_of(int code, const Transfer& transfer) const {
  switch (code) {
    case CURLE_COULDNT_CONNECT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY: return unreachable(server_);
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return Error{.kind = ErrorKind::kInvalid,
                   .message = fmt::format("'{}' is no address of a server: write it as http://127.0.0.1:8390", server_),
                   .code = std::string(kUsage)};
    case CURLE_PEER_FAILED_VERIFICATION:
      return Error{
          .kind = ErrorKind::kUnauthorized,
          .message = fmt::format("{} does not show a certificate that is trusted and for this name ({}): a CA of your own is named with --ca FILE or EBB_CA",
                                 server_, printable(transfer.trouble))};
    case CURLE_SSL_CACERT_BADFILE:
      return Error{.kind = ErrorKind::kInvalid,
                   .message = fmt::format("cannot read the certificates in '{}', which --ca or EBB_CA names", ca_),
                   .code = std::string(kUsage)};
    case CURLE_SSL_CONNECT_ERROR: return {.kind = ErrorKind::kIo, .message = fmt::format("no TLS with {}: {}", server_, printable(transfer.trouble))};
    case CURLE_OPERATION_TIMEDOUT: {
      double connected = 0;
      curl_easy_getinfo(transfer.easy, CURLINFO_CONNECT_TIME, &connected);
      if (connected == 0) return unreachable(server_);
      return {.kind = ErrorKind::kTimeout, .message = fmt::format("{} took too long to answer", server_)};
    }
    default:
      return {.kind = ErrorKind::kIo, .message = fmt::format("the connection to {} broke: {}", server_, curl_easy_strerror(static_cast<CURLcode>(code)))};
  }
}

std::string url_encode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_' || c == '~') {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", byte);
    }
  }
  return encoded;
}

}  // namespace ebb::cli
