// Vectors as text. Pure.
#pragma once

#include <span>
#include <string>

namespace ebb::wire {

// "[0.25,-1e-05]": each value in the fewest digits that read back as the same float.
void append_array(std::string& out, std::span<const float> values);
// The values as float32, little endian, in base64.
void append_base64(std::string& out, std::span<const float> values);

}  // namespace ebb::wire
