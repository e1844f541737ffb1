// The admin API where it streams or asks others: logs that are followed, models that are added, bills.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/test_server.h"

namespace ebb::gateway {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string post_models(const std::string& body) {
  return "POST /ebb/v1/models HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
constexpr const char* kAdd = R"({"name":"smol","source":"/m.gguf"})";

TEST(AdminLogs, FollowUntilTheClientLeaves) {
  GatewayOptions options;
  options.log_poll = milliseconds(1);
  TestServer server(std::move(options));
  const auto log = [&](uint64_t sequence, const char* line) {
    server.on_loop([&] { server.platform.log_.push_back({.sequence = sequence, .at = {}, .text = line}); });
  };
  log(1, "first");
  Client client(server);
  client.send(get("/ebb/v1/endpoints/chat/logs?follow=true"));
  EXPECT_THAT(client.read_until("first"), HasSubstr("application/x-ndjson"));
  log(2, "second");
  EXPECT_THAT(client.read_until("second"), Not(HasSubstr("first")));
  client.close();
  server.until([&] { return server.gateway->connections() == 0; });
}

TEST(AdminLogs, AnEmptyLogThatIsFollowedSendsItsHeadAtOnce) {
  TestServer server;
  Client client(server);
  client.send(get("/ebb/v1/endpoints/chat/logs?follow=true"));
  EXPECT_THAT(client.read_until("\r\n\r\n"), HasSubstr("200 OK"));
}

TEST(AdminLogs, EndWithTheEndpointAndWithTheServer) {
  GatewayOptions options;
  options.log_poll = milliseconds(1);
  TestServer server(std::move(options));
  Client one(server);
  one.send(get("/ebb/v1/endpoints/chat/logs?follow=true", "Connection: close\r\n"));
  one.read_until("\r\n\r\n");
  server.on_loop([&] { static_cast<void>(server.platform.remove("chat")); });
  EXPECT_EQ(one.read_to_end(), "0\r\n\r\n");
  Client two(server);
  two.send(get("/ebb/v1/endpoints/slow/logs?follow=true"));
  two.read_until("\r\n\r\n");
  server.on_loop([&] { server.gateway->stop_accepting(); });
  EXPECT_EQ(two.read_to_end(), "0\r\n\r\n");
}

TEST(AdminLogs, RefuseUnknownParameters) {
  TestServer server;
  Client client(server);
  EXPECT_THAT(client.ask(get("/ebb/v1/endpoints/chat/logs?after=x")), HasSubstr(R"("param":"after")"));
  EXPECT_THAT(client.ask(get("/ebb/v1/endpoints/chat/logs?tail=3")), HasSubstr(R"("param":"tail")"));
  EXPECT_EQ(status_in(client.ask(get("/ebb/v1/endpoints/nobody/logs"))), 404);
}

TEST(AdminModels, AnErrorWithoutProgressHasItsStatus) {
  TestServer server;
  server.on_loop([&] { server.models.add_error_ = Error{.kind = ErrorKind::kCorrupt, .message = "the file is not GGUF"}; });
  Client client(server);
  const std::string response = client.ask(post_models(kAdd));
  EXPECT_EQ(status_in(response), 500);
  EXPECT_THAT(response, HasSubstr(R"({"error":{"kind":"corrupt","message":"the file is not GGUF","param":null}})"));
}

TEST(AdminModels, AnErrorAfterProgressIsTheLastLine) {
  TestServer server;
  server.on_loop([&] {
    server.models.progress_ = {{.phase = "download", .done_bytes = 1, .total_bytes = 2}, {.phase = "download", .done_bytes = 2, .total_bytes = 2}};
    server.models.add_error_ = Error{.kind = ErrorKind::kInvalid, .message = "the digest differs", .param = "sha256"};
  });
  Client client(server);
  client.send(post_models(kAdd));
  const std::string response = client.read_until("\r\n0\r\n\r\n");
  EXPECT_EQ(status_in(response), 200);
  EXPECT_THAT(response, HasSubstr(R"({"progress":{"phase":"download","done_bytes":2,"total_bytes":2}})"));
  EXPECT_THAT(response, HasSubstr(R"({"error":{"kind":"invalid","message":"the digest differs","param":"sha256"}})"));
}

TEST(AdminModels, LeavingCancels) {
  TestServer server;
  server.on_loop([&] {
    server.models.hang_ = true;
    server.models.progress_ = {{.phase = "download", .done_bytes = 1, .total_bytes = 2}};
  });
  Client client(server);
  client.send(post_models(kAdd));
  client.read_until("progress");
  client.close();
  server.until([&] { return server.models.cancelled_; });
  server.until([&] { return server.gateway->connections() == 0; });
}

TEST(AdminModels, BadBodiesAreRefused) {
  TestServer server;
  Client client(server);
  EXPECT_THAT(client.ask(post_models(R"({"name":"smol","source":"/m","force":1})")), HasSubstr(R"("param":"force")"));
  EXPECT_THAT(client.ask(post_models("{")), HasSubstr("at byte"));
  EXPECT_EQ(status_in(client.ask("DELETE /ebb/v1/models/a@b HTTP/1.1\r\nHost: localhost\r\n\r\n")), 400);
}

TEST(AdminEndpoints, PutChecksTheName) {
  TestServer server;
  Client client(server);
  const auto put = [&](const std::string& body) {
    return client.ask("PUT /ebb/v1/endpoints/new HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  };
  EXPECT_THAT(put(R"({"endpoint":"other","engine":"echo"})"), HasSubstr(R"("param":"endpoint")"));
  EXPECT_THAT(put("[]"), HasSubstr("must be an object"));
  EXPECT_EQ(status_in(put(R"({"endpoint":"new","engine":"echo"})")), 200);
  server.on_loop([&] { server.platform.deploy_error_ = Error{.kind = ErrorKind::kNotFound, .message = "there is no model 'smol'", .param = "model"}; });
  EXPECT_EQ(status_in(put(R"({"model":"smol"})")), 404);
}

TEST(AdminBill, PassesTheQuestionOn) {
  TestServer server;
  Client client(server);
  EXPECT_EQ(status_in(client.ask(get("/ebb/v1/bill?by=day,tier&endpoint=chat&from=2026-11-01&to=2026-12-01T00:00:00Z"))), 200);
  const BillRequest asked = server.on_loop([&] { return server.bills.asked_; });
  EXPECT_FALSE(asked.by_endpoint);
  EXPECT_TRUE(asked.by_day);
  EXPECT_TRUE(asked.by_tier);
  EXPECT_EQ(asked.endpoint, "chat");
  EXPECT_EQ(*asked.to - *asked.from, std::chrono::days(30));
  for (const char* query : {"from=yesterday", "from=2026-12-01&to=2026-11-01", "sum=1"})
    EXPECT_EQ(status_in(client.ask(get(std::string("/ebb/v1/bill?") + query))), 400) << query;
}

TEST(Health, ReadinessFollowsThePlatform) {
  TestServer server;
  Client client(server);
  EXPECT_EQ(status_in(client.ask(get("/readyz"))), 200);
  server.on_loop([&] {
    server.platform.status_.ready = false;
    server.platform.status_.not_ready_why = "draining";
    server.platform.status_.sandbox = {{.name = "landlock", .active = false, .detail = "the kernel has none"}};
  });
  const std::string response = client.ask(get("/readyz?verbose"));
  EXPECT_EQ(status_in(response), 503);
  EXPECT_THAT(response, HasSubstr("not ready: draining\n[-] sandbox landlock: the kernel has none\n"));
  EXPECT_EQ(status_in(client.ask(get("/livez"))), 200);
}

std::string put_login(const std::string& host, const std::string& body) {
  return "PUT /ebb/v1/registries/" + host + " HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
std::string post_images(const std::string& body) {
  return "POST /ebb/v1/images HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

TEST(AdminImages, AreAddedWithProgressShownAndRemoved) {
  TestServer server;
  server.on_loop([&] { server.images.progress_ = {{.phase = "unpack", .done_bytes = 1, .total_bytes = 2}}; });
  Client client(server);
  client.send(post_images(R"({"name":"resize","source":"/a.tar"})"));
  const std::string added = client.read_until("\r\n0\r\n\r\n");
  EXPECT_THAT(added, HasSubstr(R"({"progress":{"phase":"unpack","done_bytes":1,"total_bytes":2}})"));
  EXPECT_THAT(added, HasSubstr(R"({"image":{"name":"resize","version":1)"));
  domain::Image image;
  image.name = "resize";
  image.version = 1;
  server.on_loop([&] { server.images.images_ = {image}; });
  EXPECT_THAT(client.ask(get("/ebb/v1/images")), HasSubstr(R"({"images":[{"name":"resize","version":1)"));
  EXPECT_THAT(client.ask(get("/ebb/v1/images/resize@1")), HasSubstr(R"({"name":"resize","version":1)"));
  EXPECT_EQ(status_in(client.ask(get("/ebb/v1/images/none"))), 404);
  EXPECT_EQ(status_in(client.ask(get("/ebb/v1/images/none@x"))), 400);
  EXPECT_THAT(client.ask("DELETE /ebb/v1/images/resize HTTP/1.1\r\nHost: localhost\r\n\r\n"), HasSubstr(R"({"image":"resize","removed":true})"));
  EXPECT_EQ(status_in(client.ask("DELETE /ebb/v1/images/none HTTP/1.1\r\nHost: localhost\r\n\r\n")), 404);
}

TEST(AdminImages, WhatFailsBeforeProgressHasItsStatus) {
  TestServer server;
  server.on_loop([&] { server.images.add_error_ = Error{.kind = ErrorKind::kUnauthorized, .message = "wants a login", .param = "source"}; });
  Client client(server);
  const std::string refused = client.ask(post_images(R"({"name":"resize","source":"h.tld/a"})"));
  EXPECT_EQ(status_in(refused), 401);
  EXPECT_THAT(refused, HasSubstr("wants a login"));
  EXPECT_THAT(client.ask(post_images(R"({"name":"resize","source":"/a","sha256":"x"})")), HasSubstr(R"("param":"sha256")"));
}

TEST(AdminRegistries, PasswordsComeInAndNeverOut) {
  TestServer server;
  Client client(server);
  const std::string put = client.ask(put_login("r.tld%3A5000", R"({"username":"u","password":"s3cret"})"));
  EXPECT_EQ(status_in(put), 200);
  EXPECT_EQ(server.on_loop([&] { return server.images.password_; }), "s3cret");
  const std::string listed = client.ask(get("/ebb/v1/registries"));
  EXPECT_THAT(listed, HasSubstr(R"({"registries":[{"registry":"r.tld:5000","username":"u","token_server":null}]})"));
  EXPECT_EQ((put + listed).find("s3cret"), std::string::npos);
  EXPECT_EQ(status_in(client.ask(put_login("r.tld", R"({"username":"u"})"))), 400);
  EXPECT_EQ(status_in(client.ask("DELETE /ebb/v1/registries/r.tld%3A5000 HTTP/1.1\r\nHost: localhost\r\n\r\n")), 200);
  EXPECT_EQ(status_in(client.ask("DELETE /ebb/v1/registries/r.tld%3A5000 HTTP/1.1\r\nHost: localhost\r\n\r\n")), 404);
}

}  // namespace
}  // namespace ebb::gateway
