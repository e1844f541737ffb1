// Copies up to the next of the three.
#include "wire/one_line.h"

namespace ebb::wire {

void append_one_line(std::string& out, std::string_view json) {
  for (;;) {
    const size_t at = json.find_first_of("\xC2\xE2");
    out += json.substr(0, at);
    if (at == std::string_view::npos) return;
    json.remove_prefix(at);
    size_t taken = 1;
    if (json.starts_with("\xC2\x85")) {
      out += "\\u0085";
      taken = 2;
    } else if (json.starts_with("\xE2\x80\xA8") || json.starts_with("\xE2\x80\xA9")) {
      out += json[2] == '\xA8' ? "\\u2028" : "\\u2029";
      taken = 3;
    } else {
      out += json[0];
    }
    json.remove_prefix(taken);
  }
}

}  // namespace ebb::wire
