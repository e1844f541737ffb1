// Pictures as people have them, as numbers that a model takes: JPEG and PNG by their libraries, and what a manifest says of size and colours.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "domain/tensor.h"
#include "wire/manifest.h"

namespace ebb::engine_onnx {

// Rows from the top, three bytes (red, green, blue) for each pixel.
struct Picture {
  int64_t width = 0;
  int64_t height = 0;
  std::vector<uint8_t> pixels;
};

// A JPEG or PNG file. Transparent parts become white; the orientation that a camera noted beside the picture is not looked at. A JPEG that has many
// times more pixels than `side_min` in both directions may come out smaller. Error kInvalid: it is neither, is damaged, or has more than kPicturePixelsMax.
Result<Picture> decode_picture(std::string_view file, int64_t side_min);

// A tensor of one row, of the size and the colours that the manifest says.
domain::Tensor tensor_of(const Picture& picture, const wire::ImageInput& wanted);

}  // namespace ebb::engine_onnx
