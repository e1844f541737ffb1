// What a worker that was taken over would try, as data: the probe program and the tests run these behind the same seal as the engines.
//
// Not for programs that serve anyone. Each attempt is one system call made directly, so that no library decides for the kernel.
#pragma once

#include <sys/types.h>

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace ebb::sandbox {

// What the attempts aim at.
struct Scene {
  int channel = -1;
  int model = -1;  // read-only descriptor of the model; -1: none
  pid_t parent = 0;
};

struct Outcome {
  std::string name;
  // Zero or more: it worked. Less: minus errno.
  long result = 0;
  // Refused by a rule. An attempt that failed for another reason (a bad argument, nothing there) proves nothing and counts as allowed.
  bool denied() const;
  // "name: denied (Operation not permitted)" or "name: ALLOWED (…)".
  std::string line() const;
};

// From which step on something is refused: confine(), so already while a model is being loaded, or seal().
enum class Since { kConfined, kSealed };

// All that end with an error when denied, in a fixed order: those that must be refused in a process that has come as far as `now`. Everything
// that works by mistake is undone or harmless.
std::vector<Outcome> try_everything(const Scene& scene, Since now);

// What must still work: "name: works" or "name: BROKEN (…)".
std::vector<std::string> try_legitimate();

// uretprobe and uprobe, since kernel 6.11: they belong to the kernel's own trampolines, no filter sees them, and any other caller dies (SIGILL).
inline constexpr std::array<int, 2> kProbes{335, 336};

// Every number from 0 to `last` that is not in `skip` or kProbes, with arguments that no call accepts. Also ends a process in which a call forked.
std::vector<Outcome> sweep(long last, std::span<const int> skip);

// Starts threads until one is refused or there are `at_most`; they end before it returns. Returns how many it had.
int count_threads(int at_most);

// Attempts that end the process with SIGSYS when denied: each wants a process of its own. Returns only if it was not denied.
inline constexpr std::string_view kLethal[] = {"32-bit getpid", "32-bit execve", "x32 getpid", "x32 execve"};
void try_lethal(std::string_view name);

}  // namespace ebb::sandbox
