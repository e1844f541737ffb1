// Any bytes as an ONNX model: the reader must return, and what it accepts must be within its own bounds.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "domain/limits.h"
#include "registry/onnx.h"
#include "wire/package.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ebb::Result<ebb::registry::OnnxModel> model = ebb::registry::read_onnx({data, size});
  static_cast<void>(ebb::registry::looks_like_onnx({data, size}, size));
  static_cast<void>(ebb::wire::read_package({reinterpret_cast<const char*>(data), size}));
  if (!model) {
    EBB_CHECK(!model.error().message.empty());
    return 0;
  }
  EBB_CHECK(!model->facts.architecture.empty() && !model->facts.outputs.empty());
  for (const auto& [name, file] : model->external)
    EBB_CHECK(ebb::wire::is_package_name(name) && file.bytes_min <= ebb::wire::kPackageEntryBytesMax);
  return 0;
}
