// Any bytes as a request's head and target: judged without a crash, and what the strict check accepts frames its body in one way only.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "gateway/head_check.h"
#include "gateway/routes.h"
#include "gateway/stages.h"
#include "gateway/target.h"

namespace {

size_t count_of(const std::string& text, const char* what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
    ++count;
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace ebb::gateway;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const size_t end = bytes.find("\r\n\r\n");
  const std::string_view head = bytes.substr(0, end == std::string_view::npos ? bytes.size() : end + 4);
  if (!check_head(head)) {
    std::string lower(head);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    EBB_CHECK(count_of(lower, "\ncontent-length:") + count_of(lower, "\ntransfer-encoding:") <= 1);
    EBB_CHECK(count_of(lower, "\nhost:") <= 1);
    EBB_CHECK(count_of(lower, "\n") == count_of(lower, "\r\n"));
  }
  const std::string_view path = path_of_head(head);
  if (const auto target = parse_target(path)) {
    const RouteMatch match = find_route("GET", target->path);
    for (const auto& [name, value] : match.params)
      EBB_CHECK(!value.empty() && value.find('\0') == std::string::npos);
  }
  static_cast<void>(is_loopback_host(path));
  static_cast<void>(check_origin(path));
  return 0;
}
