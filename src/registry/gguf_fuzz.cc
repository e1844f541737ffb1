// Any bytes as a GGUF file: the reader must return, and what it accepts must be within its own bounds.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "registry/gguf.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const ebb::Result<ebb::domain::ModelFacts> facts = ebb::registry::read_gguf({data, size}, size);
  if (facts) {
    EBB_CHECK(facts->weights_bytes == size);
    EBB_CHECK(facts->layers > 0 && facts->train_context > 0 && facts->vocabulary > 0);
    EBB_CHECK(!facts->architecture.empty());
  } else {
    EBB_CHECK(!facts.error().message.empty());
  }
  return 0;
}
