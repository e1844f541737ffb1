// What tools said, as they said it.
#include "registry/tool_error.h"

#include <gtest/gtest.h>

namespace ebb::registry {
namespace {

TEST(ToolError, WordsAreOneCleanSentence) {
  EXPECT_EQ(last_words("noise\ntime=\"2026\" level=fatal msg=\"writing \\\"x\\\": failed\"\n", ""), "writing \"x\": failed");
  EXPECT_EQ(last_words("msg=\"open /srv/s/x/blobs/y: no such file\"", "/srv/s/x/"), "open blobs/y: no such file");
  EXPECT_EQ(last_words("   \xE2\xA8\xAF create rootfs: unpack layer: \x1b[31mred\n", ""), "unpack layer:  [31mred");
  EXPECT_EQ(last_words("", ""), "it did not say why");
  EXPECT_EQ(last_words(std::string(5000, 'x'), "").size(), 400U);
}

TEST(ToolError, KindsAndAdvice) {
  struct Row {
    const char* said;
    const char* registry;
    ErrorKind kind;
    const char* words;
  };
  const Row rows[] = {
      {"write x: no space left on device", "", ErrorKind::kExhausted, "disk is full"},
      {"write x: no space left on device", "r.tld", ErrorKind::kExhausted, "disk is full"},
      {"unauthorized: authentication required", "r.tld", ErrorKind::kUnauthorized, "ebb registry login r.tld"},
      {"manifest unknown: manifest unknown", "r.tld", ErrorKind::kNotFound, "no such image"},
      {"x509: certificate signed by unknown authority", "r.tld", ErrorKind::kInvalid, "certificate of r.tld"},
      {"dial tcp: connection refused", "r.tld", ErrorKind::kUnavailable, "cannot be reached"},
      {"Digest did not match, expected a, got b", "r.tld", ErrorKind::kCorrupt, "not what its digest says"},
      {"Unexpected tar manifest.json: expected 1 item, got 2", "", ErrorKind::kInvalid, "several images"},
      {"open blobs/x: no such file or directory", "", ErrorKind::kCorrupt, "lacks a part"},
      {"something new", "", ErrorKind::kInvalid, "the archive cannot be copied by skopeo: something new"},
  };
  for (const Row& row : rows) {
    const Error error = copy_error(row.said, {.from = "the archive", .registry = row.registry, .folder = ""});
    EXPECT_EQ(to_string(error.kind), to_string(row.kind)) << row.said;
    EXPECT_NE(error.message.find(row.words), std::string::npos) << error.message;
  }
  EXPECT_EQ(unpack_error("x: no space left on device", "").kind, ErrorKind::kExhausted);
  EXPECT_EQ(unpack_error("odd", "").message, "the image cannot be unpacked by umoci: odd");
}

}  // namespace
}  // namespace ebb::registry
