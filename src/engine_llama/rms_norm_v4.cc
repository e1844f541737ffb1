// Norms by AVX-512. Compiled alone: for other processors than the rest.
#include "engine_llama/rms_norm_code.h"

namespace ebb::engine_llama {

namespace {
struct Level;
}

void rms_norm_v4(const NormRow& row) { rms_norm<Level>(row); }

}  // namespace ebb::engine_llama
