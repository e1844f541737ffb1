// ebb-init: process 1 of every function container. Waits for orders, runs the function, reaps, and ends with the worker.
//
// It has the function's user, because without capabilities it could not start anything under another. The function cannot trace it (seccomp, and it
// is not dumpable), and as process 1 no signal of the function's reaches it. If the function took it over all the same, it would have won two
// sockets on which the worker believes nothing that matters.
//
// Linked statically and without libraries, since the image has none that we know.
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include "container/executable.h"
#include "container/init_protocol.h"

namespace {

using namespace ebb::container;

constexpr size_t kStringsMax = 8192;
constexpr int kConnectPatienceMs = 500;
constexpr int kBacklog = 128;

pid_t function_pid = 0;

struct Message {
  Order order;
  char strings[kProgramBytesMax];
  size_t strings_bytes = 0;
  int attached = -1;
};
Message message;  // too large for a stack

void reply(const Reply& answer, int attached = -1) {
  iovec data{.iov_base = const_cast<Reply*>(&answer), .iov_len = sizeof answer};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = &data;
  header.msg_iovlen = 1;
  if (attached >= 0) {
    header.msg_control = control;
    header.msg_controllen = sizeof control;
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(rights), &attached, sizeof attached);
  }
  (void)!::sendmsg(kOrdersFd, &header, MSG_NOSIGNAL);
}

void reply_error(int error, Failed failed, const char* text = "") {
  Reply answer{.sequence = message.order.sequence, .error = error, .failed = failed};
  std::snprintf(answer.text, sizeof answer.text, "%s", text);
  reply(answer);
}

// False: the worker is gone.
bool receive() {
  iovec parts[] = {{.iov_base = &message.order, .iov_len = sizeof message.order}, {.iov_base = message.strings, .iov_len = sizeof message.strings}};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  msghdr header{};
  header.msg_iov = parts;
  header.msg_iovlen = 2;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  message.attached = -1;
  const ssize_t count = ::recvmsg(kOrdersFd, &header, MSG_CMSG_CLOEXEC);
  if (count < 0) return errno == EINTR || errno == EAGAIN;
  if (const cmsghdr* rights = CMSG_FIRSTHDR(&header); rights != nullptr && rights->cmsg_type == SCM_RIGHTS)
    std::memcpy(&message.attached, CMSG_DATA(rights), sizeof message.attached);
  if (count < static_cast<ssize_t>(sizeof message.order)) return false;
  message.strings_bytes = static_cast<size_t>(count) - sizeof message.order;
  return true;
}

// ---- running the function ----

struct Outcome {
  int error = 0;
  Failed failed{};
  char text[sizeof(Reply::text)] = {};
};

char* argv[kStringsMax + 1];
char* envp[kStringsMax + 1];

// The message's strings as arrays; the last one is the folder. nullptr: it is not made as it must be.
const char* read_program() {
  if (message.strings_bytes == 0 || message.strings[message.strings_bytes - 1] != 0) return nullptr;
  char* last = nullptr;
  size_t count = 0;
  size_t environment = 0;
  const size_t arguments = message.order.value;
  for (char* at = message.strings; at < message.strings + message.strings_bytes; at += std::strlen(at) + 1) {
    if (last != nullptr) {
      if (count > arguments) {
        if (environment >= kStringsMax) return nullptr;
        envp[environment++] = last;
      } else {
        if (count > kStringsMax) return nullptr;
        argv[count - 1] = last;
      }
    }
    last = at;
    ++count;
  }
  if (arguments == 0 || arguments > kStringsMax || count < arguments + 1) return nullptr;
  argv[arguments] = nullptr;
  envp[environment] = nullptr;
  return last;
}

void be_the_first_to_be_killed() {
  // Written while this process is its own again: a process that is not dumpable has a /proc of root's.
  ::prctl(PR_SET_DUMPABLE, 1);
  const int score = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (score < 0) return;
  (void)!::write(score, "1000", 4);
  ::close(score);
}

[[noreturn]] void become_function(const char* folder, int output, int outcome_fd) {
  Outcome outcome;
  ::setsid();
  be_the_first_to_be_killed();
  // What those before us ignore, a program would go on ignoring: SIGTERM and SIGPIPE among them.
  for (int number = 1; number < NSIG; ++number)
    ::signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  // The function gets its three and nothing else; `outcome_fd` closes itself when exec succeeds.
  outcome_fd = ::dup2(outcome_fd, STDERR_FILENO + 1);
  ::fcntl(outcome_fd, F_SETFD, FD_CLOEXEC);
  ::syscall(SYS_close_range, outcome_fd + 1, ~0U, 0);
  ::umask(022);
  if (::chdir(folder) != 0) {
    outcome.error = errno;
    outcome.failed = Failed::kFolder;
    std::snprintf(outcome.text, sizeof outcome.text, "%s", std::strerror(outcome.error));
  } else {
    outcome.error = execute(argv, envp, outcome.text, sizeof outcome.text);
    outcome.failed = Failed::kExecute;
  }
  (void)!::write(outcome_fd, &outcome, sizeof outcome);
  ::_exit(127);
}

void run() {
  const char* folder = read_program();
  if (folder == nullptr || message.attached < 0) return reply_error(EINVAL, Failed::kOther);
  if (function_pid != 0) return reply_error(EEXIST, Failed::kOther);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return reply_error(errno, Failed::kOther);
  const pid_t child = ::fork();
  const int fork_error = errno;
  if (child == 0) become_function(folder, message.attached, ends[1]);
  ::close(ends[1]);
  Outcome outcome;
  ssize_t told = 0;
  if (child > 0) {
    do
      told = ::read(ends[0], &outcome, sizeof outcome);
    while (told < 0 && errno == EINTR);
  }
  ::close(ends[0]);
  if (child < 0) return reply_error(fork_error, Failed::kFork);
  if (told == static_cast<ssize_t>(sizeof outcome)) {
    ::waitpid(child, nullptr, 0);
    outcome.text[sizeof outcome.text - 1] = 0;
    return reply_error(outcome.error, outcome.failed, outcome.text);
  }
  function_pid = child;
  reply({.sequence = message.order.sequence});
}

// ---- its network ----

union Address {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

socklen_t loopback(Address& address, int family, uint16_t port) {
  address = {};
  if (family == AF_INET) {
    address.v4 = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    return sizeof address.v4;
  }
  address.v6.sin6_family = AF_INET6;
  address.v6.sin6_port = htons(port);
  address.v6.sin6_addr = in6addr_loopback;
  return sizeof address.v6;
}

// A connected socket, or minus errno.
int connect_to(int family, uint16_t port) {
  const int made = ::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (made < 0) return -errno;
  Address address;
  const socklen_t size = loopback(address, family, port);
  int error = ::connect(made, &address.any, size) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {  // its backlog is full
    pollfd writable{.fd = made, .events = POLLOUT, .revents = 0};
    socklen_t length = sizeof error;
    if (::poll(&writable, 1, kConnectPatienceMs) != 1)
      error = ETIMEDOUT;
    else
      ::getsockopt(made, SOL_SOCKET, SO_ERROR, &error, &length);
  }
  if (error == 0) return made;
  ::close(made);
  return -error;
}

void connect() {
  const auto port = static_cast<uint16_t>(message.order.value);
  int made = connect_to(AF_INET, port);
  if (made == -ECONNREFUSED) {
    const int other = connect_to(AF_INET6, port);
    if (other >= 0) made = other;
  }
  if (made < 0) return reply_error(-made, Failed::kOther);
  reply({.sequence = message.order.sequence}, made);
  ::close(made);
}

void listen() {
  const int made = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (made < 0) return reply_error(errno, Failed::kOther);
  const int yes = 1;
  ::setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  Address address;
  socklen_t size = loopback(address, AF_INET, static_cast<uint16_t>(message.order.value));
  if (::bind(made, &address.any, size) != 0 || ::listen(made, kBacklog) != 0 || ::getsockname(made, &address.any, &size) != 0)
    reply_error(errno, Failed::kOther);
  else
    reply({.sequence = message.order.sequence, .value = ntohs(address.v4.sin_port)}, made);
  ::close(made);
}

// ---- processes ----

void signal_function() {
  if (function_pid == 0) return reply_error(ESRCH, Failed::kOther);
  if (::kill(-function_pid, static_cast<int>(message.order.value)) != 0) return reply_error(errno, Failed::kOther);
  reply({.sequence = message.order.sequence});
}

// Every process but this one: nobody can fork past it, since a fork with a signal pending starts anew.
void signal_all(int number) {
  if (::kill(-1, number) != 0 && errno != ESRCH) return reply_error(errno, Failed::kOther);
  reply({.sequence = message.order.sequence});
}

void reap() {
  int status = 0;
  for (pid_t pid = ::waitpid(-1, &status, WNOHANG); pid > 0; pid = ::waitpid(-1, &status, WNOHANG)) {
    if (pid != function_pid) continue;
    function_pid = 0;
    const ExitEvent event{.code = WIFEXITED(status) ? WEXITSTATUS(status) : 0, .signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0};
    (void)!::send(kEventsFd, &event, sizeof event, MSG_NOSIGNAL);
  }
}

void obey() {
  switch (message.order.kind) {
    case OrderKind::kRun: run(); break;
    case OrderKind::kConnect: connect(); break;
    case OrderKind::kListen: listen(); break;
    case OrderKind::kSignal: signal_function(); break;
    case OrderKind::kStop: signal_all(SIGSTOP); break;
    case OrderKind::kContinue: signal_all(SIGCONT); break;
    default: reply_error(EINVAL, Failed::kOther);
  }
  if (message.attached >= 0) ::close(message.attached);
}

bool limit(decltype(RLIMIT_DATA) what, const char* value) {
  const rlim_t number = std::strtoull(value, nullptr, 10);
  const rlimit both{.rlim_cur = number, .rlim_max = number};
  return ::setrlimit(what, &both) == 0;
}

// The runtime's standard descriptors are not for the function.
bool let_go_of_the_runtime() {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) return false;
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::dup2(null, fd) != fd) return false;
  for (const int fd : {kOrdersFd, kEventsFd})
    if (::fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) return false;
  return ::syscall(SYS_close_range, kEventsFd + 1, ~0U, 0) == 0;
}

}  // namespace

int main(int argc, char** arguments) {
  // Where no cgroup does. The third is the sandbox's id, for whoever looks for its processes (instance/sandbox_memory.h).
  if (argc == 4 && !(limit(RLIMIT_DATA, arguments[1]) && limit(RLIMIT_NPROC, arguments[2]))) return 1;
  ::prctl(PR_SET_DUMPABLE, 0);
  ::prctl(PR_SET_NAME, "ebb-init");
  if (!let_go_of_the_runtime()) return 1;
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  ::sigprocmask(SIG_SETMASK, &children, nullptr);
  const int child_signals = ::signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
  if (child_signals < 0) return 1;
  reply({});
  for (;;) {
    pollfd events[] = {{.fd = kOrdersFd, .events = POLLIN, .revents = 0}, {.fd = child_signals, .events = POLLIN, .revents = 0}};
    if (::poll(events, 2, -1) < 0 && errno != EINTR) return 1;
    if (events[1].revents != 0) {
      signalfd_siginfo drained;
      while (::read(child_signals, &drained, sizeof drained) > 0) {
      }
      reap();
    }
    if ((events[0].revents & (POLLHUP | POLLERR)) != 0) return 0;
    if ((events[0].revents & POLLIN) == 0) continue;
    if (!receive()) return 0;
    obey();
  }
}
