// A coroutine that lives while something waits, and one process at a time.
#include "registry/preparer.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/json.h"
#include "base/log.h"
#include "registry/child_process.h"
#include "registry/files.h"
#include "registry/plain_text.h"

namespace ebb::registry {

namespace {

constexpr size_t kPrintedBytesMax = 64 * 1024;
constexpr size_t kWhyBytesMax = 500;  // a hostile model may lead the library to say anything
constexpr int kNiceness = 10;         // it takes what calls leave

std::string staged_name() { return fmt::format("prepare-{}.tmp", ::getpid()); }

Error ended(int status) { return Error{.kind = ErrorKind::kInternal, .message = fmt::format("ebb-prepare-onnx ended with {}", end_of_child(status))}; }

// `package` and `into` of -1: it says its key.
Result<std::shared_ptr<ChildProcess>> start_child(const std::string& program, int package, int into) {
  ChildStart start{.program = program, .name = "ebb-prepare-onnx", .fds = {package, into}, .niceness = kNiceness};
  if (package < 0) start.arguments = {"--key"};
  return ChildProcess::start(start);
}

Error ended_for(std::string why) { return Error{.kind = ErrorKind::kTimeout, .message = std::move(why)}; }

}  // namespace

Preparer::Preparer(io::Executor executor, const ContentStore& store, const PreparedFiles& files, PreparerOptions options)
    : executor_(executor),
      store_(store),
      files_(files),
      options_(std::move(options)),
      why_not_("the library was not asked yet"),
      changed_(executor, io::Timer::time_point::max()) {}

io::Task<void> Preparer::start() {
  const Result<std::shared_ptr<ChildProcess>> child = start_child(options_.program, -1, -1);
  if (!child) {
    why_not_ = child.error().kind == ErrorKind::kNotFound ? "ebb-prepare-onnx is not installed" : child.error().message;
    co_return;
  }
  running_ = *child;
  Result<std::string> printed = co_await follow(*child, options_.key_time_max);
  if (!printed) {
    why_not_ = printed.error().message;
    log_warn("models in ONNX start without preparation", {{"why", why_not_}});
    co_return;
  }
  if (printed->ends_with('\n')) printed->pop_back();
  if (!is_prepared_key(*printed)) {
    why_not_ = "ebb-prepare-onnx says no key that can be used";
    log_warn("models in ONNX start without preparation", {{"why", why_not_}});
    co_return;
  }
  key_ = std::move(*printed);
}

void Preparer::stop() {
  stopped_ = true;
  if (const auto child = running_.lock()) child->kill(ended_for("the server stops"));
  changed_.cancel();
}

std::optional<Fd> Preparer::open(const domain::Digest& digest) const { return files_.find(digest, key_); }

bool Preparer::is_wanted(const domain::Digest& digest) const { return std::ranges::find(waiting_, digest, &Work::digest) != waiting_.end(); }

void Preparer::want(const domain::Digest& digest, uint64_t bytes) {
  if (key_.empty() || stopped_ || is_wanted(digest) || files_.find(digest, key_)) return;
  waiting_.push_back({.digest = digest, .bytes = bytes});
  if (working_) return;
  working_ = true;
  io::asio::co_spawn(executor_, work(), io::asio::detached);
}

void Preparer::forget(const domain::Digest& digest) {
  failed_.erase(digest);
  if (!waiting_.empty())
    waiting_.erase(std::remove_if(waiting_.begin() + 1, waiting_.end(), [&](const Work& one) { return one.digest == digest; }), waiting_.end());
}

io::Task<void> Preparer::settled(domain::Digest digest) {
  while (is_wanted(digest) && !stopped_) {
    [[maybe_unused]] const auto woken = co_await changed_.async_wait(io::asio::as_tuple(io::use_awaitable));
  }
}

std::string Preparer::why_not(const domain::Digest& digest) const {
  if (key_.empty()) return why_not_;
  if (files_.find(digest, key_)) return "";
  if (is_wanted(digest)) return waiting_.front().digest == digest ? "it is being prepared" : "it waits for others that are being prepared";
  const auto found = failed_.find(digest);
  return found == failed_.end() ? "it was not prepared for this library and processor: deploy it again" : found->second;
}

io::Task<void> Preparer::work() {
  while (!waiting_.empty() && !stopped_) {
    Work one = waiting_.front();
    co_await prepare(one);
    waiting_.pop_front();
    changed_.cancel();
  }
  working_ = false;
}

io::Task<void> Preparer::prepare(Work one) {
  const Result<Fd> package = store_.open(one.digest, one.bytes);
  const Result<Fd> file = files_.stage(staged_name());
  Status done = !package ? Status(fail(package.error())) : !file ? Status(fail(file.error())) : Status();
  if (done) {
    const Result<std::shared_ptr<ChildProcess>> child = start_child(options_.program, package->get(), file->get());
    if (child) {
      running_ = *child;
      const Result<std::string> printed = co_await follow(*child, options_.time_max);
      done = printed ? publish(*printed, one, file->get()) : Status(fail(printed.error()));
    } else {
      done = fail(child.error());
    }
  }
  if (done) {
    failed_.erase(one.digest);
    log_info("prepared a model", {{"sha256", one.digest.hex()}, {"key", key_}});
    co_return;
  }
  files_.drop_staged(staged_name());
  failed_[one.digest] = plain_text(done.error().message, kWhyBytesMax);
  log_warn("a model could not be prepared: it starts slower", {{"sha256", one.digest.hex()}, {"why", failed_[one.digest]}});
}

Status Preparer::publish(const std::string& printed, const Work& one, int file) {
  const Result<json::value> value = parse_json(printed);
  const json::object* object = value ? value->if_object() : nullptr;
  const json::value* bytes = object == nullptr ? nullptr : object->if_contains("bytes");
  const Result<struct stat> info = look_at(file);
  if (!info) return fail(info.error());
  if (bytes == nullptr || !bytes->is_int64() || bytes->get_int64() <= 0 || bytes->get_int64() != info->st_size)
    return fail(ErrorKind::kInternal, "ebb-prepare-onnx wrote another file than it says");
  // Removed meanwhile: nothing is kept of it.
  if (const Result<Fd> still = store_.open(one.digest, one.bytes); !still) return fail(still.error());
  return files_.publish(staged_name(), one.digest, key_);
}

io::Task<Result<std::string>> Preparer::follow(std::shared_ptr<ChildProcess> child, milliseconds time_max) {
  const auto token = io::asio::as_tuple(io::use_awaitable);
  io::Descriptor output(executor_, child->take_output().release());
  io::Timer watchdog(executor_, time_max);
  watchdog.async_wait([child, time_max](io::ErrorCode error) {
    if (!error) child->kill(ended_for(fmt::format("it took longer than {} s", std::chrono::duration_cast<seconds>(time_max).count())));
  });
  std::string printed;
  std::array<char, 4096> bytes{};
  for (bool open = true; open;) {
    const auto [error, got] = co_await output.async_read_some(io::asio::buffer(bytes), token);
    open = !error;
    printed.append(bytes.data(), got);
    if (printed.size() > kPrintedBytesMax) child->kill(ended_for("it says too much"));
    if (child->killed_for()) open = false;
  }
  // Its output may be closed before it is gone; the watchdog still holds.
  const int status = co_await ChildProcess::reaped(child, executor_);
  watchdog.cancel();
  if (child->killed_for()) co_return fail(*child->killed_for());
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) co_return printed;
  const Result<json::value> value = parse_json(printed);
  if (value && value->is_object() && value->get_object().contains("error") && value->get_object().at("error").is_string())
    co_return fail(ErrorKind::kInvalid, std::string(value->get_object().at("error").get_string()));
  co_return fail(ended(status));
}

}  // namespace ebb::registry
