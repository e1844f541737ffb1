// Elements of tensors as JSON, both ways. Pure.
//
// Whole numbers keep all their 64 bits; a number that its type cannot hold is refused, never rounded to another one (but decimal fractions become the
// nearest FP32 or FP64). FP16 and BF16 have no JSON form. BYTES are strings, and where a dialect says so {"b64": "…"}.
#pragma once

#include <string>
#include <string_view>

#include "base/json.h"
#include "domain/tensor.h"

namespace ebb::wire {

// BYTES that are no text: an error, or {"b64": "…"}.
enum class BytesForm { kText, kTextOrBase64 };

// Appends `value` to `data` as one element. Error kInvalid: what came and what the type takes, without a place.
Status append_element(std::string& data, domain::DataType type, const json::value& value, BytesForm form);

// All elements of a tensor, nested as its shape says or in one flat list. Error kInvalid, with the place in `path` ("inputs[0].data") as param.
Result<std::string> read_elements(const json::value& value, const domain::TensorHead& head, std::string_view path);

// The bytes of the first element of `data`; 0: it is not there to its end.
size_t first_element_bytes(domain::DataType type, std::string_view data);
// Appends that element, which is exactly `element`, as JSON. Error kInvalid: what cannot be said in JSON, without a place.
Status append_json(std::string& out, domain::DataType type, std::string_view element, BytesForm form);

}  // namespace ebb::wire
