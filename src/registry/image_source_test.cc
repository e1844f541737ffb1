// References and hosts, row by row.
#include "registry/image_source.h"

#include <gtest/gtest.h>

namespace ebb::registry {
namespace {

const std::string kDigits(64, 'a');

TEST(ImageSource, Sources) {
  struct Row {
    std::string text;
    std::string shown;    // in one form; empty: refused
    std::string refused;  // words
  };
  const Row rows[] = {
      {"/images/a.tar", "/images/a.tar", ""},
      {"/images/a.tar:b", "/images/a.tar:b", ""},
      {"host.tld/a", "docker://host.tld/a:latest", ""},
      {"docker://host.tld/a/b-c/d_e:1.0", "docker://host.tld/a/b-c/d_e:1.0", ""},
      {"HOST.tld/a:Tag", "docker://host.tld/a:Tag", ""},
      {"localhost/a", "docker://localhost/a:latest", ""},
      {"localhost:5000/a", "docker://localhost:5000/a:latest", ""},
      {"127.0.0.1:5000/a:b", "docker://127.0.0.1:5000/a:b", ""},
      {"[::1]:5000/a", "docker://[::1]:5000/a:latest", ""},
      {"host.tld:443/a", "docker://host.tld/a:latest", ""},
      {"host.tld/a@sha256:" + kDigits, "docker://host.tld/a@sha256:" + kDigits, ""},
      {"host.tld/a:b@sha256:" + kDigits, "docker://host.tld/a@sha256:" + kDigits, ""},
      {"", "", "neither"},
      {"busybox", "", "neither a path nor"},
      {"library/busybox", "", "neither a path nor"},
      {"./a.tar", "", "no registry"},
      {"host.tld/", "", "no name"},
      {"host.tld/A", "", "no name"},
      {"host.tld/../a", "", "no name"},
      {"host.tld/a//b", "", "no name"},
      {"host.tld/a:", "", "no tag"},
      {"host.tld/a:-x", "", "no tag"},
      {"host.tld/a@md5:00", "", "no digest"},
      {"host.tld/a@sha256:00", "", "no digest"},
      {"host.tld/a b", "", "no name"},
      {"user:secret@host.tld/a", "", "has a user in it"},
      {"docker://user@host.tld/a", "", "has a user in it"},
      {"http://host.tld/a", "", "docker://"},
      {"oci:/etc:x", "", "no registry"},
      {"host.tld:0/a", "", "no registry"},
      {"host.tld:99999/a", "", "no registry"},
      {"host.tld:/a", "", "no registry"},
      {"ho\\st.tld/a", "", "no registry"},
      {"-x.tld/a", "", "no registry"},
      {std::string("/a\0b", 4), "", "NUL"},
      {"host.tld/" + std::string(600, 'a'), "", "longer"},
  };
  for (const Row& row : rows) {
    const Result<ImageSource> source = parse_image_source(row.text);
    ASSERT_EQ(source.has_value(), row.refused.empty()) << row.text;
    if (source) {
      EXPECT_EQ(to_string(*source), row.shown);
    } else {
      EXPECT_NE(source.error().message.find(row.refused), std::string::npos) << source.error().message;
      EXPECT_EQ(source.error().message.find("secret"), std::string::npos);
    }
  }
}

TEST(ImageSource, PlainHttpIsForLoopbackOnly) {
  struct Row {
    const char* host;
    bool loopback;
  };
  for (const Row& row : {Row{"localhost:5000", true},
                         {"127.0.0.1", true},
                         {"127.9.8.7:1", true},
                         {"[::1]:2", true},
                         {"127.0.0.1.evil.tld", false},
                         {"localhost.evil.tld", false},
                         {"10.0.0.1:5000", false},
                         {"127.evil.tld", false},
                         {"[::2]:2", false}}) {
    const Result<RegistryHost> host = parse_registry_host(row.host);
    ASSERT_TRUE(host) << row.host;
    EXPECT_EQ(host->loopback, row.loopback) << row.host;
  }
}

}  // namespace
}  // namespace ebb::registry
