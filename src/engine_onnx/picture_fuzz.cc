// Any bytes as a picture's file: decoding must return, and what comes out must have the pixels that it says.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "engine_onnx/picture.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view file(reinterpret_cast<const char*>(data), size);
  const ebb::Result<ebb::engine_onnx::Picture> picture = ebb::engine_onnx::decode_picture(file, 16);
  if (!picture) {
    EBB_CHECK(!picture.error().message.empty());
    return 0;
  }
  EBB_CHECK(picture->pixels.size() == static_cast<size_t>(picture->width * picture->height) * 3);
  const ebb::wire::ImageInput wanted{.input = "x", .width = 16, .height = 16, .resize = ebb::wire::Resize::kFitCrop};
  EBB_CHECK(ebb::engine_onnx::tensor_of(*picture, wanted).data.size() == size_t{16} * 16 * 3 * sizeof(float));
  return 0;
}
