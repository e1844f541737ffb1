// multipart/form-data, as browsers and curl send forms. Pure, strict: what is not exactly RFC 7578 with CR LF is refused.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace ebb::wire {

struct FormPart {
  std::string name;
  std::string content_type;  // in lower case, without parameters; empty: none was given
  std::string_view data;     // in the body
};

// Whether a Content-Type is that of a form.
bool is_form(std::string_view content_type);

// At most kFormPartsMax parts, each with at most kFormHeadBytesMax before its data. `body` must outlive the parts. Error: kInvalid.
Result<std::vector<FormPart>> parse_form(std::string_view content_type, std::string_view body);

}  // namespace ebb::wire
