// fork, since ebb-fetch is small and has one thread; what a child says comes over a pipe.
#include "registry/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>

#include "io/clock.h"
#include "registry/files.h"
#include "wire/admin_json.h"

namespace ebb::registry {

namespace {

constexpr size_t kSaidBytesMax = 16 * 1024;
constexpr size_t kResultBytesMax = 1024 * 1024;
constexpr milliseconds kLookEvery{100};
constexpr milliseconds kBeatEvery{1'000};

struct Pipe {
  Fd read;
  Fd write;
};

Result<Pipe> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return fail(errno_error("cannot make a pipe", errno));
  return Pipe{.read = Fd(ends[0]), .write = Fd(ends[1])};
}

// A child that is killed and reaped when this goes.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    wait();
  }
  int wait() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return status;
  }
  // What it has handed to write(2) so far.
  uint64_t written() const {
    const Fd file(::open(fmt::format("/proc/{}/io", pid_).c_str(), O_RDONLY | O_CLOEXEC));
    const Result<std::string> text = file ? read_small(file.get(), 4096) : fail(ErrorKind::kIo, "");
    const size_t at = text ? text->find("wchar: ") : std::string::npos;
    if (at == std::string::npos) return 0;
    uint64_t bytes = 0;
    std::from_chars(text->data() + at + 7, text->data() + text->size(), bytes);
    return bytes;
  }

 private:
  pid_t pid_;
};

// In the child. What it says before it has become the program is a line of its own.
void end_child(int pipe, const json::value& last) {
  const std::string text = json::serialize(last);
  static_cast<void>(!::write(pipe, text.data(), text.size()));
  ::_exit(1);
}

json::array list_of(const std::vector<std::string>& texts) {
  json::array out;
  for (const std::string& text : texts)
    out.emplace_back(text);
  return out;
}

std::vector<std::string> read_layers(const json::value& value) {
  std::vector<std::string> layers;
  const json::array* const array = value.if_array();
  for (size_t i = 0; array != nullptr && i < std::min<size_t>(array->size(), 8); ++i) {
    if ((*array)[i].is_string()) layers.emplace_back((*array)[i].get_string());
  }
  return layers;
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (std::string& text : texts)
    out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

// In the child: confines itself, says on `report` which layers are missing, and becomes the program; `report` then closes by itself.
[[noreturn]] void become(const ProgramRun& run, int errors, int report) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  std::vector<std::string> arguments = {run.path};
  arguments.insert(arguments.end(), run.arguments.begin(), run.arguments.end());
  std::vector<std::string> environment = run.environment;
  const std::vector<char*> argv = pointers(arguments);
  const std::vector<char*> envp = pointers(environment);
  const Fd program(::open(run.path.c_str(), O_PATH | O_CLOEXEC));
  const Fd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));  // while it can be opened
  ChildRights rights = run.rights;
  if (program) rights.paths.push_back({.place = program.get(), .use = PathUse::kExecute});
  const Result<std::vector<std::string>> missing = confine_child(rights);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);  // anew: new rights of a user namespace take it away
  if (!missing) end_child(report, wire::to_json(missing.error()));
  const std::string layers = json::serialize(list_of(*missing));
  static_cast<void>(!::write(report, layers.data(), layers.size()));
  // High copies first, so that none overwrites another.
  const auto high = [](int fd) { return ::fcntl(fd, F_DUPFD_CLOEXEC, 32); };
  report = high(report);
  const std::array<int, 3> from = {high(run.input >= 0 ? run.input : nothing.get()), high(run.output >= 0 ? run.output : nothing.get()), high(errors)};
  const int extra = high(run.extra);
  // Never ours: its input has a credential, and its output is read as our word.
  for (int fd = 0; fd < 3; ++fd) {
    if (::dup2(from[static_cast<size_t>(fd)], fd) < 0) end_child(report, wire::to_json(errno_error("cannot prepare a child's descriptors", errno)));
  }
  if (run.extra >= 0) ::dup2(extra, kExtraFd);
  ::execve(run.path.c_str(), argv.data(), envp.data());
  end_child(report, wire::to_json(errno_error(fmt::format("cannot start {}", run.path), errno)));
  ::_exit(1);
}

// All that comes until the other end is closed; the last bytes of it if it is too much.
class Collector {
 public:
  Collector(int fd, size_t max) : fd_(fd), max_(max) {}
  int fd() const { return open_ ? fd_ : -1; }
  bool open() const { return open_; }
  void read_some() {
    std::array<char, 4096> bytes{};
    const ssize_t got = ::read(fd_, bytes.data(), bytes.size());
    if (got < 0 && errno == EINTR) return;
    open_ = got > 0;
    if (got > 0) text_.append(bytes.data(), static_cast<size_t>(got));
    if (text_.size() > max_) text_.erase(0, text_.size() - max_);
  }
  const std::string& text() const { return text_; }

 private:
  int fd_;
  size_t max_;
  bool open_ = true;
  std::string text_;
};

Status follow(Child& child, Collector& said, Collector& report, const ProgramRun& run, const std::function<Status(uint64_t)>& look) {
  const io::SystemClock clock;
  const MonoTime until = clock.mono() + run.time_max;
  while (said.open() || report.open()) {
    std::array<pollfd, 2> ready = {pollfd{.fd = said.fd(), .events = POLLIN, .revents = 0}, pollfd{.fd = report.fd(), .events = POLLIN, .revents = 0}};
    ::poll(ready.data(), ready.size(), static_cast<int>(kLookEvery.count()));
    if (ready[0].revents != 0) said.read_some();
    if (ready[1].revents != 0) report.read_some();
    if (Status fine = look(child.written()); !fine) return fine;
    if (clock.mono() > until)
      return fail(ErrorKind::kTimeout,
                  fmt::format("{} did not end within {} minutes", run.path, std::chrono::duration_cast<std::chrono::minutes>(run.time_max).count()), "source");
  }
  return {};
}

}  // namespace

Result<std::string> find_program(const std::string& name) {
  for (const char* folder : {"/usr/bin/", "/usr/local/bin/", "/bin/"}) {
    std::string path = folder + name;
    if (::access(path.c_str(), X_OK) == 0) return path;
  }
  return fail(ErrorKind::kUnavailable, fmt::format("{0} is not installed, and images are fetched and unpacked by skopeo and umoci: apt-get install {0}", name));
}

Result<ProgramEnd> run_program(const ProgramRun& run, const std::function<Status(uint64_t written)>& look) {
  Result<Pipe> errors = make_pipe();
  if (!errors) return fail(errors.error());
  Result<Pipe> report = make_pipe();
  if (!report) return fail(report.error());
  const pid_t pid = ::fork();
  if (pid < 0) return fail(errno_error("cannot start a child", errno));
  if (pid == 0) become(run, errors->write.get(), report->write.get());
  Child child(pid);
  errors->write.reset();
  report->write.reset();
  Collector said(errors->read.get(), kSaidBytesMax);
  Collector told(report->read.get(), kSaidBytesMax);
  if (Status followed = follow(child, said, told, run, look); !followed) return fail(followed.error());
  ProgramEnd end{.status = child.wait(), .said = said.text(), .missing_layers = {}};
  // Layers, and behind them what kept it from starting.
  const size_t brace = told.text().find('{');
  if (brace != std::string::npos) {
    const Result<json::value> error = parse_json(std::string_view(told.text()).substr(brace));
    return fail(error ? wire::error_from_json(*error) : error.error());
  }
  const Result<json::value> layers = parse_json(told.text());
  if (!layers) return fail(ErrorKind::kInternal, fmt::format("{} could not be started", run.path));
  end.missing_layers = read_layers(*layers);
  return end;
}

Result<TaskEnd> run_task(const ChildRights& rights, const std::function<Result<json::value>()>& task, const std::function<void()>& beat) {
  Result<Pipe> pipe = make_pipe();
  if (!pipe) return fail(pipe.error());
  const pid_t pid = ::fork();
  if (pid < 0) return fail(errno_error("cannot start a child", errno));
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    const Result<std::vector<std::string>> missing = confine_child(rights);
    if (!missing) end_child(pipe->write.get(), wire::to_json(missing.error()));
    const Result<json::value> result = task();
    if (!result) end_child(pipe->write.get(), wire::to_json(result.error()));
    end_child(pipe->write.get(), json::object{{"ok", *result}, {"missing", list_of(*missing)}});
  }
  Child child(pid);
  pipe->write.reset();
  Collector answer(pipe->read.get(), kResultBytesMax);
  while (answer.open()) {
    pollfd ready{.fd = answer.fd(), .events = POLLIN, .revents = 0};
    ::poll(&ready, 1, static_cast<int>(kBeatEvery.count()));
    if (ready.revents != 0) answer.read_some();
    if (beat) beat();
  }
  const int status = child.wait();
  const Result<json::value> value = parse_json(answer.text());
  const json::object* const object = value ? value->if_object() : nullptr;
  if (object == nullptr)
    return fail(ErrorKind::kCorrupt,
                fmt::format("what was fetched ended the process that read it ({}); nothing was stored",
                            WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status)) : fmt::format("status {}", WEXITSTATUS(status))),
                "source");
  if (object->contains("error")) return fail(wire::error_from_json(*value));
  const json::value* const result = object->if_contains("ok");
  const json::value* const missing = object->if_contains("missing");
  if (result == nullptr || missing == nullptr) return fail(ErrorKind::kInternal, "a child of ebb-fetch said something that cannot be understood");
  return TaskEnd{.result = *result, .missing_layers = read_layers(*missing)};
}

}  // namespace ebb::registry
