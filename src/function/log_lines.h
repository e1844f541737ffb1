// What a function writes to its output, as lines for its log: cut, counted, at most so many in a second. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace ebb::function {

class LogLines {
 public:
  // The lines that these bytes end, each at most kFunctionLogLineBytesMax; what is over the rate becomes one line that says how many.
  std::vector<std::string> feed(std::string_view bytes, MonoTime now);
  // The line that was not ended, and the count of what was left out.
  std::vector<std::string> end();
  // The last line that had something in it.
  const std::string& last_words() const { return last_words_; }

 private:
  void add(std::vector<std::string>& lines, std::string line, MonoTime now);
  void say_left_out(std::vector<std::string>& lines);

  std::string unfinished_;
  std::string last_words_;
  MonoTime second_began_{};
  int in_this_second_ = 0;
  int left_out_ = 0;
};

}  // namespace ebb::function
