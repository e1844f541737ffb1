// What the server writes, the CLI reads back; the bodies that the server reads are closed.
#include "wire/image_admin_json.h"

#include <gtest/gtest.h>

namespace ebb::wire {
namespace {

TEST(ImageAdminJson, ValuesComeBackAsTheyWere) {
  domain::Image image{.name = "resize", .version = 2, .added = WallTime(milliseconds(1'700'000'000'123)), .source = "docker://h/x:1"};
  image.digest.bytes.fill(0xab);
  image.facts = {.architecture = "amd64", .os = "linux", .unpacked_bytes = 9};
  image.facts.config.entrypoint = {"/x"};
  const Result<domain::Image> back = image_from_json(to_json(image));
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, image);
  for (const LoginRow& row : {LoginRow{.registry = "h", .username = "u"}, LoginRow{.registry = "h:1", .username = "u", .token_server = "https://t"}})
    EXPECT_EQ(*login_row_from_json(to_json(row)), row);
  const PutLogin login{.username = "u", .password = "p", .token_server = "https://t"};
  EXPECT_EQ(*put_login_from_json(to_json(login)), login);
  const AddImage add{.name = "resize", .source = "/x.tar"};
  EXPECT_EQ(*add_image_from_json(to_json(add)), add);
}

TEST(ImageAdminJson, BodiesAreClosed) {
  struct Row {
    const char* body;
    const char* param;  // nullptr: accepted
  };
  const Row rows[] = {{R"({"name":"a","source":"/a.tar"})", nullptr},
                      {R"({"name":"a","source":"/a.tar","sha256":"x"})", "sha256"},
                      {R"({"name":"../a","source":"/a.tar"})", "name"},
                      {R"({"name":"a"})", "source"},
                      {R"({"name":"a","source":""})", "source"},
                      {R"({"name":"a","source":"/a\u0000b"})", "source"},
                      {R"({"source":"/a"})", "name"}};
  for (const Row& row : rows) {
    const Result<AddImage> request = add_image_from_json(json::parse(row.body));
    ASSERT_EQ(request.has_value(), row.param == nullptr) << row.body;
    if (!request) {
      EXPECT_EQ(request.error().param, row.param) << row.body;
    }
  }
  EXPECT_FALSE(put_login_from_json(json::parse(R"({"username":"u"})")));
  EXPECT_FALSE(put_login_from_json(json::parse(R"({"username":"u","password":"p","x":1})")));
}

}  // namespace
}  // namespace ebb::wire
