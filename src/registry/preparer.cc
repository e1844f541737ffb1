// A coroutine that lives while something waits, and one process at a time.
#include "registry/preparer.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/json.h"
#include "base/log.h"
#include "registry/child_process.h"
#include "registry/files.h"
#include "registry/plain_text.h"
#include "registry/staged_file.h"
#include "wire/weight_layout.h"

namespace ebb::registry {

namespace {

constexpr size_t kPrintedBytesMax = 64 * 1024;
constexpr size_t kWhyBytesMax = 500;  // a hostile model may lead the library to say anything
constexpr int kNiceness = 10;         // it takes what calls leave

std::string staged_name() { return fmt::format("prepare-{}.tmp", ::getpid()); }

// `model` and `into` of -1: it says its key.
Result<std::shared_ptr<ChildProcess>> start_child(const std::string& program, const std::string& name, int model, int into) {
  ChildStart start{.program = program, .name = name, .fds = {model, into}, .niceness = kNiceness};
  if (model < 0) start.arguments = {"--key"};
  return ChildProcess::start(start);
}

// What was prepared may say that there is nothing to be gained.
Preparer::Prepared said_inside(const Fd& prepared, domain::ModelFormat format) {
  if (format != domain::ModelFormat::kGguf) return {};
  const Result<struct stat> info = look_at(prepared.get());
  std::string page(wire::kLayoutDescriptionBytes, '\0');
  const ssize_t count = ::pread(prepared.get(), page.data(), page.size(), 0);
  page.resize(static_cast<size_t>(std::max<ssize_t>(count, 0)));
  const Result<wire::WeightLayout> layout = info ? wire::read_layout(page, static_cast<uint64_t>(info->st_size)) : fail(info.error());
  return {.why_not = plain_text(layout ? layout->as_stored_why : layout.error().message, kWhyBytesMax), .tokens_alike = layout && layout->tokens_alike};
}

// What is prepared takes about as much as the model. Fetches and the ledger come first.
Status room_for(const ContentStore& store, uint64_t model_bytes) {
  const Result<uint64_t> free = store.free_bytes();
  if (!free) return fail(free.error());
  if (*free < model_bytes + model_bytes / 4 + kDiskReserveBytes) return fail(ErrorKind::kExhausted, "the disk of the model store has no room for it");
  return {};
}

Error ended_for(std::string why) { return Error{.kind = ErrorKind::kTimeout, .message = std::move(why)}; }

}  // namespace

std::string Preparer::Program::name() const { return std::filesystem::path(path).filename(); }

Preparer::Preparer(io::Executor executor, const ContentStore& store, const PreparedFiles& files, PreparerOptions options)
    : executor_(executor), store_(store), files_(files), options_(std::move(options)), changed_(executor, io::Timer::time_point::max()) {
  for (const auto& [format, path] : options_.programs)
    programs_[format] = {.path = path, .key = {}, .why_not = "the library was not asked yet"};
}

io::Task<void> Preparer::start() {
  for (auto& [format, program] : programs_) {
    co_await ask_key(program);
    if (program.key.empty()) log_warn("models of a kind start without preparation", {{"program", program.name()}, {"why", program.why_not}});
  }
}

io::Task<void> Preparer::ask_key(Program& program) {
  const Result<std::shared_ptr<ChildProcess>> child = start_child(program.path, program.name(), -1, -1);
  if (!child) {
    program.why_not = child.error().kind == ErrorKind::kNotFound ? program.name() + " is not installed" : child.error().message;
    co_return;
  }
  running_ = *child;
  Result<std::string> printed = co_await follow(*child, options_.key_time_max);
  if (!printed) {
    program.why_not = printed.error().message;
    co_return;
  }
  if (printed->ends_with('\n')) printed->pop_back();
  if (is_prepared_key(*printed)) {
    program.key = std::move(*printed);
  } else {
    program.why_not = program.name() + " says no key that can be used";
  }
}

void Preparer::stop() {
  stopped_ = true;
  if (const auto child = running_.lock()) child->kill(ended_for("the server stops"));
  changed_.cancel();
}

const Preparer::Program* Preparer::program_for(const domain::Model& model) const {
  const auto found = programs_.find(model.facts.format);
  return found == programs_.end() ? nullptr : &found->second;
}

std::optional<Fd> Preparer::open(const domain::Model& model) const {
  const Program* const program = program_for(model);
  return program == nullptr ? std::nullopt : files_.find(model.digest, program->key);
}

bool Preparer::is_wanted(const domain::Digest& digest) const { return std::ranges::find(waiting_, digest, &Work::digest) != waiting_.end(); }

void Preparer::want(const domain::Model& model) {
  const Program* const program = program_for(model);
  if (program == nullptr || program->key.empty() || stopped_ || is_wanted(model.digest) || files_.find(model.digest, program->key)) return;
  waiting_.push_back({.digest = model.digest, .bytes = model.facts.weights_bytes, .format = model.facts.format});
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

Preparer::Prepared Preparer::look_for(const domain::Model& model) const {
  const Program* const program = program_for(model);
  if (program == nullptr) return {.why_not = "nothing is prepared of models of this kind"};
  if (program->key.empty()) return {.why_not = program->why_not};
  if (const std::optional<Fd> prepared = files_.find(model.digest, program->key)) return said_inside(*prepared, model.facts.format);
  if (is_wanted(model.digest))
    return {.why_not = waiting_.front().digest == model.digest ? "it is being prepared" : "it waits for others that are being prepared"};
  const auto found = failed_.find(model.digest);
  return {.why_not = found == failed_.end() ? "it was not prepared for this library and processor: deploy it again" : found->second};
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
  const Program& program = programs_.at(one.format);
  const Result<Fd> model = store_.open(one.digest, one.bytes);
  const Result<Fd> file = files_.stage(staged_name());
  Status done = room_for(store_, one.bytes);
  if (done && !model) done = fail(model.error());
  if (done && !file) done = fail(file.error());
  if (done) {
    const Result<std::shared_ptr<ChildProcess>> child = start_child(program.path, program.name(), model->get(), file->get());
    if (child) {
      running_ = *child;
      const Result<std::string> printed = co_await follow(*child, options_.time_max);
      done = printed ? publish(*printed, one, program, file->get()) : Status(fail(printed.error()));
    } else {
      done = fail(child.error());
    }
  }
  if (done) {
    failed_.erase(one.digest);
    log_info("prepared a model", {{"sha256", one.digest.hex()}, {"key", program.key}});
    co_return;
  }
  files_.drop_staged(staged_name());
  failed_[one.digest] = plain_text(done.error().message, kWhyBytesMax);
  log_warn("a model could not be prepared: it is slower than it could be", {{"sha256", one.digest.hex()}, {"why", failed_[one.digest]}});
}

Status Preparer::publish(const std::string& printed, const Work& one, const Program& program, int file) {
  const Result<json::value> value = parse_json(printed);
  const json::object* object = value ? value->if_object() : nullptr;
  const json::value* bytes = object == nullptr ? nullptr : object->if_contains("bytes");
  const Result<struct stat> info = look_at(file);
  if (!info) return fail(info.error());
  if (bytes == nullptr || !bytes->is_int64() || bytes->get_int64() <= 0 || bytes->get_int64() != info->st_size)
    return fail(ErrorKind::kInternal, program.name() + " wrote another file than it says");
  // Removed meanwhile: nothing is kept of it.
  if (const Result<Fd> still = store_.open(one.digest, one.bytes); !still) return fail(still.error());
  return files_.publish(staged_name(), one.digest, program.key);
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
  co_return fail(ErrorKind::kInternal, fmt::format("the program that prepares it ended with {}", end_of_child(status)));
}

}  // namespace ebb::registry
