// The coroutine that lives as long as one ebb-fetch: it returns only after the process is reaped.
#include "registry/fetcher.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <deque>
#include <optional>

#include "registry/child_process.h"

namespace ebb::registry {

namespace {

// Bytes into lines of bounded length.
class LineBuffer {
 public:
  // False: a line is longer than it may be.
  bool add(std::string_view bytes, std::deque<std::string>& lines) {
    for (size_t newline = bytes.find('\n'); newline != std::string_view::npos; newline = bytes.find('\n')) {
      open_ += bytes.substr(0, newline);
      if (open_.size() > kFetchLineBytesMax) return false;
      lines.push_back(std::exchange(open_, {}));
      bytes.remove_prefix(newline + 1);
    }
    open_ += bytes;
    return open_.size() <= kFetchLineBytesMax;
  }

 private:
  std::string open_;
};

Error broken(std::string_view why) {
  return Error{.kind = ErrorKind::kInternal,
               .message = fmt::format("ebb-fetch said something that cannot be understood ({}); nothing was stored under a name", why)};
}

Error ended(int status) {
  return Error{.kind = ErrorKind::kInternal, .message = fmt::format("ebb-fetch ended with {} before it was done; try again", end_of_child(status))};
}

// The request as a file in memory: no pipe that could be full, no writer that must stay.
Result<Fd> request_file(const json::value& request) {
  const std::string text = json::serialize(request);
  if (text.size() > kFetchRequestBytesMax) return fail(ErrorKind::kInvalid, "the source is too long", "source");
  Fd file(::memfd_create("fetch-request", MFD_CLOEXEC));
  if (!file) return fail(errno_error("cannot hand over the request", errno));
  if (::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) || ::lseek(file.get(), 0, SEEK_SET) != 0)
    return fail(errno_error("cannot hand over the request", errno));
  return file;
}

Result<std::shared_ptr<ChildProcess>> start(const std::string& program, const json::value& request, int store) {
  const Result<Fd> input = request_file(request);
  if (!input) return fail(input.error());
  Result<std::shared_ptr<ChildProcess>> child = ChildProcess::start({.program = program, .name = "ebb-fetch", .input = input->get(), .fds = {store}});
  // What is missing then is nothing that was asked for.
  if (!child && child.error().kind == ErrorKind::kNotFound) return fail(ErrorKind::kInternal, child.error().message);
  return child;
}

}  // namespace

io::Task<Result<FetchResult>> Fetcher::fetch(FetchRequest request, std::function<void(const FetchProgress&)> progress, std::shared_ptr<FetchStop> stop) {
  json::value asked = to_json(request);
  io::Task<Result<Fetched>> running = run(std::move(asked), store_.directory(), std::move(progress), std::move(stop));
  Result<Fetched> fetched = co_await std::move(running);
  if (!fetched) co_return fail(fetched.error());
  auto* const model = std::get_if<FetchResult>(&*fetched);
  if (model == nullptr) co_return fail(broken("an image instead of a model"));
  // Its word is not enough: the store must have the file.
  const Result<Fd> file = store_.open(model->digest, model->facts.weights_bytes);
  if (!file) co_return fail(file.error());
  co_return std::move(*model);
}

io::Task<Result<ImageFetchResult>> Fetcher::fetch_image(ImageFetchRequest request, int store, std::function<void(const FetchProgress&)> progress,
                                                        std::shared_ptr<FetchStop> stop) {
  json::value asked = to_json(request);
  io::Task<Result<Fetched>> running = run(std::move(asked), store, std::move(progress), std::move(stop));
  Result<Fetched> fetched = co_await std::move(running);
  if (!fetched) co_return fail(fetched.error());
  auto* const image = std::get_if<ImageFetchResult>(&*fetched);
  if (image == nullptr) co_return fail(broken("a model instead of an image"));
  co_return std::move(*image);
}

io::Task<Result<Fetcher::Fetched>> Fetcher::run(json::value request, int store, std::function<void(const FetchProgress&)> progress,
                                                std::shared_ptr<FetchStop> stop) {
  if (stop && stop->stopped()) co_return fail(ErrorKind::kCancelled, "the fetch was stopped");
  if (running_ >= options_.running_max) co_return fail(ErrorKind::kOverloaded, fmt::format("{} fetches run already: try again when one is done", running_));
  Result<std::shared_ptr<ChildProcess>> child = start(options_.program, request, store);
  if (!child) co_return fail(child.error());
  ++running_;
  if (stop) stop->on_stop_ = [one = *child] { one->kill({.kind = ErrorKind::kCancelled, .message = "the fetch was stopped"}); };
  Result<Fetched> result = co_await follow(*child, std::move(progress));
  if (stop) stop->on_stop_ = nullptr;
  --running_;
  co_return result;
}

io::Task<Result<Fetcher::Fetched>> Fetcher::follow(std::shared_ptr<ChildProcess> child, std::function<void(const FetchProgress&)> progress) {
  const auto token = io::asio::as_tuple(io::use_awaitable);
  io::Descriptor output(executor_, child->take_output().release());
  io::Timer watchdog(executor_);
  const auto watch = [&] {
    watchdog.expires_after(options_.silence_max);
    watchdog.async_wait([child, silence = options_.silence_max](io::ErrorCode error) {
      if (error) return;
      const auto seconds_silent = std::chrono::duration_cast<seconds>(silence).count();
      child->kill({.kind = ErrorKind::kTimeout,
                   .message = fmt::format("nothing was fetched for {} s: try again; what came is kept", seconds_silent),
                   .param = "source"});
    });
  };
  watch();
  LineBuffer buffer;
  std::deque<std::string> lines;
  std::optional<Result<Fetched>> result;
  std::array<char, 16 * 1024> bytes{};
  for (bool open = true; open;) {
    const auto [error, got] = co_await output.async_read_some(io::asio::buffer(bytes), token);
    open = !error;
    if (!buffer.add({bytes.data(), got}, lines)) child->kill(broken("a line that is too long"));
    for (; !lines.empty() && !child->killed_for(); lines.pop_front()) {
      Result<FetchLine> line = parse_fetch_line(lines.front());
      if (!line || result) {
        child->kill(broken(line ? "a line after the last" : line.error().message));
      } else if (const auto* step = std::get_if<FetchProgress>(&*line)) {
        watch();
        if (progress) progress(*step);
      } else if (const auto* whole = std::get_if<FetchResult>(&*line)) {
        result.emplace(*whole);
      } else if (auto* image = std::get_if<ImageFetchResult>(&*line)) {
        result.emplace(std::move(*image));
      } else {
        result.emplace(fail(std::get<FetchFailed>(*line).error));
      }
    }
    if (child->killed_for()) open = false;
  }
  // Its output may be closed before it is gone; the watchdog still holds.
  const int status = co_await ChildProcess::reaped(child, executor_);
  watchdog.cancel();
  if (child->killed_for()) co_return fail(*child->killed_for());
  if (!result) co_return fail(ended(status));
  co_return std::move(*result);
}

}  // namespace ebb::registry
