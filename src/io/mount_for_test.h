// Runs a scenario in a child process where a small file system of its own is mounted: for full and for read-only disks.
//
// The mount is the child's alone and goes with it, however it ends. The scenario returns what was wrong, or nothing.
#pragma once

#include <sched.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "io/folder_for_test.h"

namespace ebb::io {

// nullopt: this user may not mount. Called while the test has no other thread.
inline std::optional<std::string> with_small_disk(const std::string& size, const std::function<std::string(const std::filesystem::path&)>& scenario) {
  const FolderForTest folder;
  std::array<int, 2> answer{};
  EBB_CHECK(::pipe(answer.data()) == 0);
  const pid_t child = ::fork();
  EBB_CHECK(child >= 0);
  if (child == 0) {
    const std::string options = "size=" + size;
    const bool mounted = ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                         ::mount("tmpfs", folder.path().c_str(), "tmpfs", 0, options.c_str()) == 0;
    const std::string wrong = mounted ? scenario(folder.path()) : "may not mount";
    const bool told = ::write(answer[1], wrong.data(), wrong.size()) == static_cast<ssize_t>(wrong.size());
    ::_exit(!mounted ? 2 : told ? 0 : 1);
  }
  ::close(answer[1]);
  std::string wrong;
  std::array<char, 4096> part{};
  for (ssize_t count = 0; (count = ::read(answer[0], part.data(), part.size())) > 0;)
    wrong.append(part.data(), static_cast<size_t>(count));
  ::close(answer[0]);
  int status = 0;
  EBB_CHECK(::waitpid(child, &status, 0) == child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 2) return std::nullopt;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) wrong += " (and the child died)";
  return wrong;
}

}  // namespace ebb::io
