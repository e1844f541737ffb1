// Lines of a trace's file, one after the other, so that its size does not matter. Blocking.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace ebb::plan {

class TraceLines {
 public:
  // Errors name the file.
  static Result<TraceLines> open(const std::string& file);

  // The next line that is not blank, without its end (LF or CR LF) and, the first, without a byte-order mark; valid until the next call. nullopt: there is
  // none. Errors: kTooLarge past kTraceLineBytesMax, kInvalid for a NUL byte, kIo.
  Result<std::optional<std::string_view>> next();

  const std::string& file() const { return file_; }
  // "FILE, line N: what", of the line that came last.
  std::unexpected<Error> refuse(std::string_view what, ErrorKind kind = ErrorKind::kInvalid) const;

 private:
  TraceLines(Fd fd, std::string file);
  // The next line, blank or not.
  Result<std::optional<std::string_view>> take();
  // Moves what is unread to the front and reads on behind it.
  Status refill();

  Fd fd_;
  std::string file_;
  std::vector<char> buffer_;
  size_t begin_ = 0;  // of what is unread in it …
  size_t end_ = 0;
  bool over_ = false;  // nothing comes after that
  uint64_t number_ = 0;
};

// What a file says, fit for a message: its beginning, without control characters.
std::string shown(std::string_view text);

}  // namespace ebb::plan
