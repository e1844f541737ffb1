// POST /v1/classify: texts or a picture in, labels out. Ebb's own, in the manner of OpenAI's API. Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/answer.h"

namespace ebb::wire {

// {"model": …, "input": text or texts, "top": labels for each}. Error: kInvalid with the field as param.
Result<Asked> ask_classify_text(std::string_view body);

// A form with the fields `model`, `file` (the picture) and perhaps `top`. Errors as above.
Result<Asked> ask_classify_form(std::string_view content_type, std::string_view body);

// The picture itself; `model` and `top` stand in the query (empty: absent).
Result<Asked> ask_classify_image(std::string model, std::string_view top, std::string_view body);

}  // namespace ebb::wire
