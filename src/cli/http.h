// HTTP to the server, by libcurl: one request at a time over a connection that is kept.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace ebb::cli {

class Interrupt;

struct HttpRequest {
  std::string method = "GET";
  std::string path;       // with its query, from "/"
  std::string body = {};  // none if empty
  std::string content_type = "application/json";
  std::vector<std::string> headers = {};                   // more of them, "Name: value"
  std::function<size_t(char* to, size_t room)> read = {};  // instead of the body: so many bytes of it, 0 at its end
  milliseconds time_max{30'000};                           // zero: as long as it takes
  std::function<void()> tick = {};                         // called a few times a second while waiting
};

struct HttpResponse {
  int status = 0;
  std::string body = {};         // of a streamed answer: only if its status says failure
  std::string request_id = {};   // x-request-id
  std::string retry_after = {};  // Retry-After
  std::string call = {};         // Ebb-Call: a function answered
  bool function_failed = false;  // X-Amz-Function-Error: a Lambda function's answer says what it failed with
};

// The code of an error that says: no answer came at all.
inline constexpr std::string_view kUnreachable = "unreachable";
// And of one that says: the command line, or a file that it names, is wrong.
inline constexpr std::string_view kUsage = "usage";
inline constexpr size_t kHttpAnswerBytesMax = 64 * 1024 * 1024;
inline constexpr milliseconds kHttpConnectTimeMax{2'000};

class Http {
 public:
  // `server` such as "http://127.0.0.1:8390"; `key`: sent with each request, unless it is empty; `ca`: a file with who is trusted to sign certificates, the
  // system's if it is empty; `interrupt` must outlive this.
  Http(std::string server, std::string key, std::string ca, std::string user_agent, const Interrupt& interrupt);
  ~Http();
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;

  // Any status is an answer. Error: kUnavailable with code kUnreachable if no server could be reached, kTimeout, kCancelled on an interrupt, kTooLarge,
  // kInvalid with code kUsage for an address that is none, or certificates that cannot be read; kUnauthorized for a server that is not who it should be.
  Result<HttpResponse> send(const HttpRequest& request);

  // Gives each line of a body with a 2xx status to `take`; false from it ends the request without an error.
  Result<HttpResponse> stream(const HttpRequest& request, const std::function<bool(std::string_view line)>& take);

  // Gives each piece of a function's body to `take`, whatever its status; false from it ends the request without an error. What is not a function's
  // answer is in the response.
  Result<HttpResponse> pieces(const HttpRequest& request, const std::function<bool(std::string_view piece)>& take);

  const std::string& server() const { return server_; }
  void use_key_if_none(std::string key) {
    if (key_.empty()) key_ = std::move(key);
  }

 private:
  struct Transfer;
  Status perform(const HttpRequest& request, Transfer& transfer);
  Status wait(void* multi, const HttpRequest& request, const Transfer& transfer);
  Error error_of(int code, const Transfer& transfer) const;

  std::string server_;
  std::string key_;
  std::string ca_;
  std::string user_agent_;
  const Interrupt& interrupt_;
  // libcurl's handles, whose type stays out of this header.
  std::unique_ptr<void, void (*)(void*)> easy_;
  std::unique_ptr<void, void (*)(void*)> multi_;
};

// Percent-encodes everything but letters, digits and -._~ .
std::string url_encode(std::string_view text);

}  // namespace ebb::cli
