// Any bytes as each of an image's documents: refused or read, and what is read is within its bounds.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "domain/image_json.h"
#include "domain/limits.h"
#include "registry/image_manifest.h"
#include "registry/image_source.h"
#include "registry/registry_challenge.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ebb;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto index = registry::parse_index(text)) {
    EBB_CHECK(index->size() <= domain::kImageIndexEntriesMax);
    static_cast<void>(registry::choose(*index, "", {.os = "linux", .architecture = "amd64"}));
  }
  if (const auto manifest = registry::parse_manifest(text)) EBB_CHECK(manifest->layers.size() <= domain::kImageLayersMax);
  if (const auto document = registry::parse_image_document(text)) {
    domain::ImageFacts facts{.architecture = document->platform.architecture, .os = document->platform.os};
    facts.config = document->config;
    const auto back = domain::image_facts_from_json(domain::to_json(facts), "");
    EBB_CHECK(back && *back == facts);
  }
  if (const auto source = registry::parse_image_source(text)) {
    const auto again = registry::parse_image_source(registry::to_string(*source));
    EBB_CHECK(again && registry::to_string(*again) == registry::to_string(*source));
  }
  static_cast<void>(registry::parse_challenges(text));
  static_cast<void>(registry::port_of(registry::origin_of(text)));
  return 0;
}
