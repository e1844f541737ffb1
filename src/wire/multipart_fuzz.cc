// Any bytes as a form, the first line as its Content-Type: parts that lie in the body, or an error with a sentence.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "domain/limits.h"
#include "wire/multipart.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ebb;
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const size_t line = std::min(all.find('\n'), all.size());
  const std::string_view body = all.substr(std::min(line + 1, all.size()));
  const auto parts = wire::parse_form(all.substr(0, line), body);
  if (!parts) {
    EBB_CHECK(parts.error().kind == ErrorKind::kInvalid && !parts.error().message.empty());
    return 0;
  }
  EBB_CHECK(parts->size() <= domain::kFormPartsMax);
  for (const wire::FormPart& part : *parts)
    EBB_CHECK(!part.name.empty() && part.data.data() >= body.data() && part.data.data() + part.data.size() <= body.data() + body.size());
  return 0;
}
