// One event is one `data:` line and a blank line.
#include "wire/sse.h"

#include "base/check.h"
#include "wire/one_line.h"

namespace ebb::wire {

void append_sse(std::string& out, std::string_view line) {
  EBB_CHECK(line.find_first_of("\r\n") == std::string_view::npos);
  out += "data: ";
  append_one_line(out, line);
  out += "\n\n";
}

void append_named_sse(std::string& out, std::string_view name, std::string_view line) {
  out.append("event: ").append(name).append("\n");
  append_sse(out, line);
}

}  // namespace ebb::wire
