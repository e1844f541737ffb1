// What a function writes to its standard output and error, on its way to its log.
//
// Lives on the worker's loop, as long as the worker.
#pragma once

#include <string>

#include "base/fd.h"
#include "function/log_lines.h"
#include "function/server_link.h"
#include "io/asio.h"
#include "io/clock.h"

namespace ebb::function {

class Output {
 public:
  // All outlive it.
  Output(const io::Executor& executor, ServerLink& server, const io::Clock& clock);

  // Once, with the non-blocking end that is read.
  void watch(Fd output);
  // What is there now.
  void drain();
  // The same, and nothing will follow.
  void end();
  // The last line that had something in it.
  const std::string& last_words() const { return lines_.last_words(); }

 private:
  void wait();
  bool read_some();

  io::Descriptor descriptor_;
  ServerLink& server_;
  const io::Clock& clock_;
  LogLines lines_;
};

}  // namespace ebb::function
