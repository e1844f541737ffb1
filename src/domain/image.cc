// References, by the rules of models' references.
#include "domain/image.h"

#include <fmt/format.h>

#include "domain/endpoint.h"

namespace ebb::domain {

Result<ImageRef> parse_image_ref(std::string_view text) {
  Result<ModelRef> ref = parse_model_ref(text);
  if (ref) return ImageRef{.name = std::move(ref->name), .version = ref->version};
  if (!is_name(text.substr(0, text.find('@'))))
    return fail(ErrorKind::kInvalid, fmt::format("'{}' is not an image name: {}", text.substr(0, text.find('@')).substr(0, 80), kNameRule), "image");
  return fail(ErrorKind::kInvalid, fmt::format("'{}' is not an image: behind @ stands its version, as in name@1, name@2, …", text.substr(0, 80)), "image");
}

std::string to_string(const ImageRef& ref) { return ref.version ? fmt::format("{}@{}", ref.name, *ref.version) : ref.name; }

}  // namespace ebb::domain
