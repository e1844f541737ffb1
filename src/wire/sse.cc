// One event is one `data:` line and a blank line.
#include "wire/sse.h"

#include "base/check.h"

namespace ebb::wire {

void append_sse(std::string& out, std::string_view line) {
  EBB_CHECK(line.find_first_of("\r\n") == std::string_view::npos);
  out += "data: ";
  out += line;
  out += "\n\n";
}

}  // namespace ebb::wire
