// Collects what a command writes.
#include "cli/run_for_test.h"

#include <sys/mman.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <ctime>

#include "base/fd.h"
#include "cli/commands.h"

namespace ebb::cli {

namespace {

std::string content_of(int fd) {
  std::string text;
  std::array<char, 4096> chunk{};
  lseek(fd, 0, SEEK_SET);
  for (ssize_t got = read(fd, chunk.data(), chunk.size()); got > 0; got = read(fd, chunk.data(), chunk.size()))
    text.append(chunk.data(), static_cast<size_t>(got));
  return text;
}

}  // namespace

Ran run_for_test(const RunSettings& settings, const std::vector<std::string>& args) {
  setenv("TZ", "UTC", 1);
  tzset();
  setenv("EBB_URL", settings.server.c_str(), 1);
  const Fd out(memfd_create("out", MFD_CLOEXEC));
  const Fd err(memfd_create("err", MFD_CLOEXEC));
  const Fd in(memfd_create("in", MFD_CLOEXEC));
  [[maybe_unused]] const ssize_t written = write(in.get(), settings.input.data(), settings.input.size());
  lseek(in.get(), 0, SEEK_SET);

  const io::FakeClock clock;
  Context context("0.1.0", clock, settings.in >= 0 ? settings.in : in.get(), Output(settings.out >= 0 ? settings.out : out.get(), settings.kind),
                  Output(err.get(), settings.kind));
  CLI::App app;
  add_commands(app, context);
  std::vector<const char*> argv{"ebb"};
  for (const std::string& arg : args)
    argv.push_back(arg.c_str());
  Ran ran;
  ran.code = run(app, context, static_cast<int>(argv.size()), argv.data());
  ran.out = content_of(out.get());
  ran.err = content_of(err.get());
  return ran;
}

}  // namespace ebb::cli
