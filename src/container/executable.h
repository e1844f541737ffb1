// Executing a program of a stranger's image, and saying in words why it cannot be. Header only and without libraries: it is part of ebb-init.
#pragma once

#include <elf.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

namespace ebb::container {

inline constexpr size_t kPathBytesMax = 4096;

inline const char* machine_name(unsigned machine) {
  switch (machine) {
    case EM_X86_64: return "x86-64";
    case EM_386: return "32-bit x86";
    case EM_AARCH64: return "64-bit ARM";
    case EM_ARM: return "32-bit ARM";
    case EM_RISCV: return "RISC-V";
    case EM_PPC64: return "PowerPC";
    case EM_S390: return "s390";
    default: return "another processor";
  }
}

#if defined(__x86_64__)
inline constexpr unsigned kOurMachine = EM_X86_64;
#elif defined(__aarch64__)
inline constexpr unsigned kOurMachine = EM_AARCH64;
#else
#error "name this processor's ELF machine"
#endif

// Where a file that is there cannot be executed: a script's interpreter, or a program's loader, may be what is missing.
inline void explain_present_file(const char* path, int error, char* text, size_t size) {
  const int file = ::open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  alignas(Elf64_Ehdr) char head[512] = {};
  const ssize_t count = file < 0 ? -1 : ::read(file, head, sizeof head - 1);
  if (file >= 0) ::close(file);
  if (count >= 2 && head[0] == '#' && head[1] == '!') {
    head[std::strcspn(head, "\n")] = 0;
    std::snprintf(text, size, "%s: its interpreter '%.100s' %s", path, head + 2, error == ENOENT ? "is not in the image" : "cannot be executed");
    return;
  }
  Elf64_Ehdr elf;
  std::memcpy(&elf, head, sizeof elf);
  const bool is_elf = count >= static_cast<ssize_t>(sizeof(Elf32_Ehdr)) && std::memcmp(head, ELFMAG, SELFMAG) == 0;
  if (is_elf && elf.e_machine != kOurMachine)  // at the same place in files of both widths
    std::snprintf(text, size, "%s is a program for %s, and this machine is %s: build the image for this platform", path, machine_name(elf.e_machine),
                  machine_name(kOurMachine));
  else if (is_elf && error == ENOENT)
    std::snprintf(text, size, "%s: the loader (dynamic linker) that it names is not in the image", path);
  else if (error == ENOEXEC)
    std::snprintf(text, size, "%s is neither a program for this machine nor a script that names its interpreter", path);
  else
    std::snprintf(text, size, "%s: %s", path, std::strerror(error));
}

// One file. Returns only if it cannot be executed: errno.
inline int execute_file(const char* path, char* const argv[], char* const envp[], char* text, size_t size) {
  ::execve(path, argv, envp);
  const int error = errno;
  struct stat about {};
  if (::stat(path, &about) != 0)
    std::snprintf(text, size, "%s: %s", path, errno == ENOENT ? "there is no such file in the image" : std::strerror(errno));
  else if (error == EACCES)
    std::snprintf(text, size, "%s: %s", path,
                  S_ISREG(about.st_mode) ? "this user may not execute it (is it marked executable?)" : "it is no file that can be executed");
  else if (error == E2BIG)
    std::snprintf(text, size, "%s: its arguments and environment are too long", path);
  else
    explain_present_file(path, error, text, size);
  return error;
}

inline const char* path_of(char* const envp[]) {
  for (; *envp != nullptr; ++envp)
    if (std::strncmp(*envp, "PATH=", 5) == 0) return *envp + 5;
  return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

// argv[0] by the rules of a shell. Returns only if it cannot be executed: errno, and `text` says why.
inline int execute(char* const argv[], char* const envp[], char* text, size_t size) {
  const char* name = argv[0];
  if (*name == 0) {
    std::snprintf(text, size, "the name of the program is empty");
    return ENOENT;
  }
  if (std::strchr(name, '/') != nullptr) return execute_file(name, argv, envp, text, size);
  int error = ENOENT;
  std::snprintf(text, size, "there is no '%.100s' in the PATH of the image (%.120s)", name, path_of(envp));
  for (const char* at = path_of(envp); at != nullptr;) {
    const char* end = std::strchr(at, ':');
    const auto length = static_cast<int>(end == nullptr ? std::strlen(at) : static_cast<size_t>(end - at));
    char path[kPathBytesMax];
    const int written = std::snprintf(path, sizeof path, "%.*s/%s", length == 0 ? 1 : length, length == 0 ? "." : at, name);
    struct stat about {};
    if (written > 0 && static_cast<size_t>(written) < sizeof path && ::stat(path, &about) == 0 && !S_ISDIR(about.st_mode)) {
      error = execute_file(path, argv, envp, text, size);
      if (error != EACCES) return error;  // one that may not be executed does not hide the next, as in a shell
    }
    at = end == nullptr ? nullptr : end + 1;
  }
  return error;
}

}  // namespace ebb::container
