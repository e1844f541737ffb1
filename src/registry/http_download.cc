// One transfer by libcurl. Its callbacks run on our stack and keep the first thing that went wrong.
#include "registry/http_download.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <memory>

#include "base/check.h"
#include "registry/address_class.h"
#include "registry/files.h"
#include "registry/http_answer.h"
#include "registry/sha256.h"

namespace ebb::registry {

namespace {

constexpr size_t kNoteBytesMax = 4096;

std::string note_name(const SourceUrl& url, const std::optional<domain::Digest>& sha256) {
  std::string name = staged_name_of(url, sha256);
  return name.replace(name.size() - 5, 5, ".meta");
}

class Download {
 public:
  Download(const ContentStore& store, const SourceUrl& url, const std::optional<domain::Digest>& sha256, std::string boot, DownloadLimits limits,
           const std::function<void(const FetchProgress&)>& progress, StagedFile& into)
      : store_(store), url_(url), sha256_(sha256), boot_(std::move(boot)), limits_(limits), progress_(progress), into_(into) {}

  Status run();

 private:
  struct CurlFree {
    void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };

  Status go_on_or_restart();
  Status perform();
  void set_options(CURL* curl, curl_slist* headers);
  // What the whole transfer means.
  Status judge(CURLcode code);
  Error transport_error(CURLcode code) const;
  // The head of the final answer is complete and its body begins.
  Status begin();
  void write_note(uint64_t total);
  void drop_note() { ::unlinkat(store_.staging(), note_name(url_, sha256_).c_str(), 0); }
  Status take(std::span<const uint8_t> bytes);

  static size_t on_header(char* bytes, size_t size, size_t count, void* self);
  static size_t on_body(char* bytes, size_t size, size_t count, void* self);
  static curl_socket_t on_socket(void* self, curlsocktype purpose, curl_sockaddr* address);

  const ContentStore& store_;
  const SourceUrl& url_;
  const std::optional<domain::Digest>& sha256_;
  std::string boot_;
  DownloadLimits limits_;
  const std::function<void(const FetchProgress&)>& progress_;
  StagedFile& into_;

  ResumeNote note_;        // of the part that is here, when resuming
  bool resuming_ = false;  // the request asks for the rest only
  HttpAnswer answer_;
  bool began_ = false;
  bool began_public_ = false;
  bool refused_address_ = false;
  std::optional<Error> error_;
};

Status Download::run() {
  if (Status ready = go_on_or_restart(); !ready) return ready;
  if (resuming_ && note_.total != 0 && into_.bytes() == note_.total) return {};
  Status done = perform();
  if (!done && resuming_ && answer_.status() == 416) {
    // The server has less than we have: it is another content.
    resuming_ = false;
    if (Status restarted = into_.restart(); !restarted) return restarted;
    done = perform();
  }
  const bool resumable = !done && (done.error().kind == ErrorKind::kUnavailable || done.error().kind == ErrorKind::kTimeout);
  if (resumable && into_.bytes() > 0) into_.keep();
  if (!resumable) drop_note();
  return done;
}

Status Download::go_on_or_restart() {
  if (into_.bytes() == 0) return {};
  const Result<Fd> file = open_beneath(store_.staging(), note_name(url_, sha256_), O_RDONLY | O_NONBLOCK);
  const Result<std::string> text = file ? read_small(file->get(), kNoteBytesMax) : fail(file.error());
  const std::optional<ResumeNote> note = text ? parse_resume_note(*text) : std::nullopt;
  const bool same_content = note && (!note->validator.empty() || sha256_);
  const bool sound_bytes = note && (note->boot == boot_ || sha256_);
  if (!same_content || !sound_bytes || (note->total != 0 && into_.bytes() > note->total)) return into_.restart();
  note_ = *note;
  resuming_ = true;
  return into_.take_over([&](uint64_t done) { progress_({.phase = "hash", .done_bytes = done, .total_bytes = into_.bytes()}); });
}

void Download::set_options(CURL* curl, curl_slist* headers) {
  curl_easy_setopt(curl, CURLOPT_URL, url_.address.c_str());
  // From https never down to http: what the owner took care to encrypt stays encrypted.
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, url_.encrypted ? "https" : "http");
  curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, url_.encrypted ? "https" : "http,https");
  curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
  curl_easy_setopt(curl, CURLOPT_MAXREDIRS, limits_.redirects_max);
  curl_easy_setopt(curl, CURLOPT_PROXY, "");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, limits_.connect_seconds);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, limits_.slow_bytes_per_second);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, limits_.slow_seconds);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, "ebb-fetch");
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, 256L * 1024);
  if (resuming_) curl_easy_setopt(curl, CURLOPT_RANGE, fmt::format("{}-", into_.bytes()).c_str());
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &Download::on_header);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Download::on_body);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, &Download::on_socket);
  curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, this);
}

Status Download::perform() {
  answer_ = HttpAnswer();
  began_ = false;
  error_.reset();
  const std::unique_ptr<CURL, CurlFree> curl(curl_easy_init());
  if (!curl) return fail(ErrorKind::kExhausted, "the HTTP client cannot be made: memory is out");
  std::unique_ptr<curl_slist, CurlFree> headers(curl_slist_append(nullptr, "Accept-Encoding: identity"));
  if (resuming_ && !note_.validator.empty()) {
    curl_slist* longer = curl_slist_append(headers.get(), ("If-Range: " + note_.validator).c_str());
    if (longer != nullptr) static_cast<void>(headers.release()), headers.reset(longer);
  }
  set_options(curl.get(), headers.get());
  progress_({.phase = "download", .done_bytes = into_.bytes(), .total_bytes = note_.total});
  return judge(curl_easy_perform(curl.get()));
}

Status Download::judge(CURLcode code) {
  if (error_) return fail(*error_);
  const bool aborted_for_status = code == CURLE_WRITE_ERROR && answer_.complete() && answer_.status() >= 400;
  if (code != CURLE_OK && !aborted_for_status) return fail(transport_error(code));
  if (answer_.status() >= 300) return fail(answer_.refusal(url_.host));
  if (!began_) {
    if (Status begun = begin(); !begun) return begun;
  }
  const uint64_t total = answer_.whole_bytes();
  if (total != 0 && into_.bytes() != total)
    return fail(ErrorKind::kUnavailable,
                fmt::format("{} said that the file has {} bytes but sent {}: run the same command again to get the rest", url_.host, total, into_.bytes()),
                "source");
  progress_({.phase = "download", .done_bytes = into_.bytes(), .total_bytes = into_.bytes()});
  return {};
}

Error Download::transport_error(CURLcode code) const {
  const auto error = [&](ErrorKind kind, std::string what) { return Error{.kind = kind, .message = std::move(what), .param = "source"}; };
  const std::string& host = url_.host;
  const std::string rest = into_.bytes() > 0 ? fmt::format(" after {} bytes; what came is kept: run the same command again to go on", into_.bytes()) : "";
  if (refused_address_)
    return error(ErrorKind::kInvalid,
                 fmt::format("{} leads to an address that models are not fetched from (link-local, multicast, or private behind a redirect)", host));
  switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST: return error(ErrorKind::kUnavailable, fmt::format("the name '{}' cannot be resolved: check it and the network", host));
    case CURLE_COULDNT_CONNECT: return error(ErrorKind::kUnavailable, fmt::format("cannot connect to {}: is the server up?", host));
    case CURLE_TOO_MANY_REDIRECTS: return error(ErrorKind::kInvalid, fmt::format("{} redirects more than {} times", host, limits_.redirects_max));
    case CURLE_UNSUPPORTED_PROTOCOL:
      if (answer_.redirects() == 0) return error(ErrorKind::kUnavailable, fmt::format("what answers at {} does not speak HTTP", host));
      return error(ErrorKind::kInvalid,
                   fmt::format("{} redirects to an address that is not fetched{}", host, url_.encrypted ? " (only https after https)" : ""));
    case CURLE_URL_MALFORMAT: return error(ErrorKind::kInvalid, fmt::format("{} redirects to something that is no address", host));
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
      return error(ErrorKind::kInvalid, fmt::format("the certificate of {} cannot be verified: {}", host, curl_easy_strerror(code)));
    case CURLE_OPERATION_TIMEDOUT: return error(ErrorKind::kTimeout, fmt::format("{} sends nothing or too slowly{}", host, rest));
    default: return error(ErrorKind::kUnavailable, fmt::format("the transfer from {} broke off ({}){}", host, curl_easy_strerror(code), rest));
  }
}

Status Download::begin() {
  began_ = true;
  if (answer_.status() == 200 && into_.bytes() > 0) {
    if (Status restarted = into_.restart(); !restarted) return restarted;
  }
  if (answer_.status() == 206 && (answer_.range_start() != into_.bytes() || (note_.total != 0 && answer_.whole_bytes() != note_.total)))
    return fail(ErrorKind::kInvalid, fmt::format("{} answered with another part of the file than was asked for", url_.host), "source");
  if (answer_.status() != 200 && answer_.status() != 206) return fail(answer_.refusal(url_.host));
  const uint64_t total = answer_.whole_bytes();
  if (total > limits_.bytes_max)
    return fail(ErrorKind::kTooLarge, fmt::format("the model has {} bytes; at most {} are allowed", total, limits_.bytes_max), "source");
  if (Status room = into_.reserve(total); !room) return room;
  write_note(total);
  return {};
}

// Without the note the part that came cannot be resumed; nothing else depends on it.
void Download::write_note(uint64_t total) {
  const std::string text = to_text({.validator = answer_.validator(), .total = total, .boot = boot_});
  const Result<Fd> file = open_beneath(store_.staging(), note_name(url_, sha256_), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (file && ::write(file->get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) drop_note();
}

Status Download::take(std::span<const uint8_t> bytes) {
  if (!began_) {
    if (Status begun = begin(); !begun) return begun;
  }
  if (into_.bytes() + bytes.size() > limits_.bytes_max)
    return fail(ErrorKind::kTooLarge, fmt::format("the model has more than the {} bytes that are allowed", limits_.bytes_max), "source");
  if (Status written = into_.write(bytes); !written) return written;
  progress_({.phase = "download", .done_bytes = into_.bytes(), .total_bytes = answer_.whole_bytes()});
  return {};
}

size_t Download::on_header(char* bytes, size_t size, size_t count, void* self) {
  static_cast<Download*>(self)->answer_.add_line({bytes, size * count});
  return size * count;
}

size_t Download::on_body(char* bytes, size_t size, size_t count, void* self) {
  auto* download = static_cast<Download*>(self);
  const int status = download->answer_.status();
  if (status >= 300 && status < 400) return size * count;  // libcurl reads past a redirect's body
  if (status >= 400) return CURL_WRITEFUNC_ERROR;
  Status taken = download->take({reinterpret_cast<const uint8_t*>(bytes), size * count});
  if (taken) return size * count;
  download->error_ = taken.error();
  return CURL_WRITEFUNC_ERROR;
}

curl_socket_t Download::on_socket(void* self, curlsocktype /*purpose*/, curl_sockaddr* address) {
  auto* download = static_cast<Download*>(self);
  const AddressClass kind = class_of(&address->addr);
  const bool redirected = download->answer_.redirects() > 0;
  if (!redirected && kind == AddressClass::kPublic) download->began_public_ = true;
  if (!may_connect(kind, redirected, download->began_public_)) {
    download->refused_address_ = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

}  // namespace

void prepare_http() { EBB_CHECK(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); }

std::string staged_name_of(const SourceUrl& url, const std::optional<domain::Digest>& sha256) {
  return sha256_of(url.address + "\n" + (sha256 ? sha256->hex() : "")).hex() + ".part";
}

std::string to_text(const ResumeNote& note) { return json::serialize(json::object{{"validator", note.validator}, {"total", note.total}, {"boot", note.boot}}); }

std::optional<ResumeNote> parse_resume_note(std::string_view text) {
  const Result<json::value> value = parse_json(text);
  if (!value) return std::nullopt;
  ObjectReader reader(*value, "");
  ResumeNote note{.validator = reader.required_string("validator"),
                  .total = static_cast<uint64_t>(reader.integer("total", 0, INT64_MAX).value_or(0)),
                  .boot = reader.required_string("boot")};
  // It becomes a header's value.
  const bool plain = std::ranges::all_of(note.validator, [](char c) { return c >= 0x20 && c < 0x7f; });
  return reader.ok() && plain ? std::optional(note) : std::nullopt;
}

Status download(const ContentStore& store, const SourceUrl& url, const std::optional<domain::Digest>& sha256, const std::string& boot,
                const DownloadLimits& limits, const std::function<void(const FetchProgress&)>& progress, StagedFile& into) {
  return Download(store, url, sha256, boot, limits, progress, into).run();
}

}  // namespace ebb::registry
