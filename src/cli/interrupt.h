// Ctrl-C, as something to look at and to wait for.
//
// A signal handler can reach nothing but what is global: this file holds the one flag and pipe of the program's client commands.
#pragma once

namespace ebb::cli {

class Interrupt {
 public:
  // From now on SIGINT and SIGTERM are remembered instead of ending the process, and SIGPIPE is ignored. One at a time.
  Interrupt();
  ~Interrupt();
  Interrupt(const Interrupt&) = delete;
  Interrupt& operator=(const Interrupt&) = delete;

  bool raised() const;
  // Readable while raised.
  int fd() const;
  // Forgets it: the conversation goes on.
  void clear();
  // What the signal does; for tests.
  void raise();
};

}  // namespace ebb::cli
