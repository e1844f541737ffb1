// What bad input gets, over a real socket: a typed error in the dialect of the route, nothing started, and the server goes on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "gateway/test_server.h"

namespace ebb::gateway {
namespace {

using testing::AnyOf;
using testing::Eq;
using testing::HasSubstr;

// After each row the server must still answer, and no call may have started.
void expect_unharmed(TestServer& server) {
  Client client(server);
  EXPECT_THAT(client.ask(get("/livez")), HasSubstr("ok\n"));
  EXPECT_EQ(server.on_loop([&] { return server.platform.seen_.size(); }), 0U);
  EXPECT_EQ(server.on_loop([&] { return server.gateway->connections(); }), 1U);
}

struct Row {
  const char* what;
  std::string bytes;
  int status;
  std::string says;
};

TEST(BadInput, IsRefusedWithAReason) {
  const std::string chat = "POST /v1/chat/completions HTTP/1.1\r\n";
  const std::string host = "Host: localhost\r\n";
  const Row rows[] = {
      {"malformed JSON, with its position", post_chat("{\"model\": nope}"), 400, "at byte 1"},
      {"empty body", post_chat(""), 400, "not valid JSON"},
      {"wrong type", post_chat(chat_body("chat", R"(,"temperature":"hot")")), 400, R"("param":"temperature")"},
      {"negative number", post_chat(chat_body("chat", R"(,"max_tokens":-5)")), 400, R"("param":"max_tokens")"},
      {"huge number", post_chat(chat_body("chat", R"(,"max_tokens":1e300)")), 400, R"("param":"max_tokens")"},
      {"NaN", post_chat(chat_body("chat", R"(,"top_p":NaN)")), 400, "not valid JSON"},
      {"invalid UTF-8", post_chat("{\"model\":\"\xc3\x28\",\"messages\":[]}"), 400, "not valid JSON"},
      {"nesting of 10,000", post_chat(std::string(10'000, '[') + std::string(10'000, ']')), 400, "at byte"},
      {"not supported", post_chat(chat_body("chat", R"(,"audio":{})")), 400, R"("param":"audio")"},
      {"own header not supported", post_chat(chat_body("chat"), "Ebb-Min-Cost: 0.1\r\n"), 400, R"("param":"Ebb-Min-Cost")"},
      {"cost below zero", post_chat(chat_body("chat"), "Ebb-Max-Cost: -1\r\n"), 400, R"("param":"Ebb-Max-Cost")"},
      {"deadline of nothing", post_chat(chat_body("chat"), "Ebb-Deadline: 0s\r\n"), 400, R"("param":"Ebb-Deadline")"},
      {"unknown route", get("/nowhere"), 404, "there is no GET /nowhere here"},
      {"unknown admin route", get("/ebb/v2/status"), 404, R"("kind":"not_found")"},
      {"wrong method", "PATCH /ebb/v1/endpoints/chat HTTP/1.1\r\n" + host + "\r\n", 405, "Allow: GET, HEAD, PUT, DELETE\r\n"},
      {"unknown method", "BREW /livez HTTP/1.1\r\n" + host + "\r\n", 405, "Allow: GET, HEAD\r\n"},
      {"path that climbs", get("/ebb/v1/../../etc/passwd"), 404, ""},
      {"escape that is none", get("/v1/models/%zz"), 404, ""},
      {"escape that is not UTF-8", get("/v1/models/%ff%fe"), 404, "??"},
      {"host that is not UTF-8", "GET /livez HTTP/1.1\r\nHost: \xff\r\n\r\n", 421, "'?'"},
      {"very long model", post_chat(chat_body(std::string(100'000, 'm'))), 400, "model"},
      {"very long role", post_chat(R"({"model":"chat","messages":[{"role":"user","content":[{"type":")" + std::string(100'000, 't') + R"("}]}]})"), 400,
       "must be 'text'"},
      {"escaped NUL", get("/v1/models/%00"), 404, ""},
      {"absolute target", get("http://localhost/v1/models"), 400, "must be a path"},
      {"query twice", get("/ebb/v1/bill?by=day&by=tier"), 400, "twice"},
      {"foreign host", "GET /v1/models HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421, "evil.example"},
      {"foreign page", get("/v1/models", "Origin: https://evil.example\r\n"), 403, "evil.example"},
      {"a function's page", get("/ebb/v1/status", "Sec-Fetch-Site: same-origin\r\n"), 403, "a deployed function may serve pages"},
      {"a function's page in an older browser", get("/ebb/v1/status", "Origin: http://localhost\r\n"), 403, "a deployed function may serve pages"},
      {"foreign page that posts", post_chat(chat_body("chat"), "Origin: null\r\n"), 403, ""},
      {"unknown expectation", post_chat(chat_body("chat"), "Expect: tea\r\n"), 417, ""},
      {"no host", "GET /livez HTTP/1.1\r\n\r\n", 400, "Host"},
      {"two hosts", "GET /livez HTTP/1.1\r\n" + host + host + "\r\n", 400, "two Host"},
      {"length and coding", chat + host + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "exclude"},
      {"two lengths", chat + host + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400, "two Content-Length"},
      {"list of lengths", chat + host + "Content-Length: 3, 3\r\n\r\nabc", 400, "Content-Length"},
      {"signed length", chat + host + "Content-Length: +3\r\n\r\nabc", 400, "Content-Length"},
      {"coding that is not chunked", chat + host + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501, "chunked"},
      {"coding that hides", chat + host + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 501, "chunked"},
      {"coding twice", chat + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n", 400, "two Transfer-Encoding"},
      {"folded header", "GET /livez HTTP/1.1\r\n" + host + "X: a\r\n b\r\n\r\n", 400, "folded"},
      {"space before the colon", "GET /livez HTTP/1.1\r\n" + host + "X : a\r\n\r\n", 400, "space"},
      {"bare line feeds", "GET /livez HTTP/1.1\nHost: localhost\n\n", 400, "CR LF"},
      {"NUL in a header", "GET /livez HTTP/1.1\r\n" + host + std::string("X: a\0b\r\n\r\n", 10), 400, "control character"},
      {"a header without a colon", "GET /livez HTTP/1.1\r\n" + host + "nonsense\r\n\r\n", 400, "colon"},
      {"negative chunk", chat + host + "Transfer-Encoding: chunked\r\n\r\n-1\r\nabc\r\n0\r\n\r\n", 400, "malformed"},
      {"chunk size with a prefix", chat + host + "Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n", 400, "malformed"},
      {"huge chunk", chat + host + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 400, "malformed"},
      {"chunk longer than its size", chat + host + "Transfer-Encoding: chunked\r\n\r\n3\r\nabcdef\r\n0\r\n\r\n", 400, "malformed"},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/1.1"},
      {"HTTP/0.9", "GET /livez\r\n\r\n", 400, "request line"},
      {"TLS", std::string("\x16\x03\x01\x02\x00", 5), 400, "http://"},
      {"garbage", "\x01\x02\x03", 400, "HTTP method"},
  };
  TestServer server;
  for (const Row& row : rows) {
    Client client(server);
    client.send(row.bytes);
    client.half_close();
    const std::string response = client.read_to_end();
    EXPECT_EQ(status_in(response), row.status) << row.what << "\n" << response;
    EXPECT_THAT(response, HasSubstr(row.says)) << row.what;
    EXPECT_THAT(response, HasSubstr("x-request-id: req_")) << row.what;
    EXPECT_THAT(response, HasSubstr("{\"error\":{")) << row.what;
    EXPECT_TRUE(parse_json(response.substr(std::min(response.size(), response.find("\r\n\r\n") + 4)))) << row.what << "\n" << response;
    EXPECT_LT(response.size(), 5000U) << row.what;
    client.close();
    server.until([&] { return server.gateway->connections() == 0; });
  }
  expect_unharmed(server);
}

TEST(BadInput, TenMegabytesOfHeadersAreRefusedAndTheClientSeesWhy) {
  TestServer server;
  for (const std::string& headers : {"X-Long: " + std::string(10 << 20, 'x'), [] {
                                       std::string many;
                                       while (many.size() < (10U << 20U))
                                         many += "X-Many: 1\r\n";
                                       return many;
                                     }()}) {
    Client client(server);
    client.send("GET /livez HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n\r\n");
    const std::string response = client.read_to_end();
    EXPECT_EQ(status_in(response), 431) << response;
    EXPECT_THAT(response, HasSubstr("\"too_large\""));
    client.close();
    server.until([&] { return server.gateway->connections() == 0; });
  }
  expect_unharmed(server);
}

TEST(BadInput, TooManyHeaderLinesAreRefused) {
  TestServer server;
  Client client(server);
  std::string many;
  for (int i = 0; i < 200; ++i)
    many += "X-" + std::to_string(i) + ": 1\r\n";
  EXPECT_EQ(status_in(client.ask(get("/livez", many))), 431);
}

TEST(BadInput, ABodyOverTheLimitIsRefusedBeforeItIsRead) {
  GatewayOptions options;
  options.body_bytes_max = 100;
  TestServer server(std::move(options));
  Client declared(server);
  EXPECT_EQ(status_in(declared.ask("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 101\r\n\r\n")), 413);
  Client expecting(server);
  EXPECT_EQ(status_in(expecting.ask("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 101\r\n\r\n")), 413);
  Client chunked(server);
  EXPECT_EQ(status_in(chunked.ask("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n" + std::string(0xff, 'x') +
                                  "\r\n0\r\n\r\n")),
            413);
}

TEST(BadInput, BodiesTogetherAreBounded) {
  GatewayOptions options;
  options.body_bytes_in_flight_max = 1000;
  TestServer server(std::move(options));
  Client first(server);
  first.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\n");
  server.until([&] { return server.gateway->connections() == 1; });
  Client second(server);
  std::string response;
  // The first request may still be on its way: until it has arrived, others of this size fit.
  do {
    Client other(server);
    response = other.ask("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200\r\n\r\n" + std::string(200, ' '));
  } while (status_in(response) == 400);
  EXPECT_EQ(status_in(response), 503);
  EXPECT_THAT(response, HasSubstr("Retry-After: 1\r\n"));
  first.close();
}

TEST(BadInput, ABodyLargerThanDeclaredIsTheNextRequest) {
  TestServer server;
  Client client(server);
  const std::string body = chat_body("chat");
  client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body + "}}}}");
  EXPECT_EQ(status_in(client.read_response()), 200);
  const std::string second = client.read_to_end();
  EXPECT_EQ(status_in(second), 400);
  EXPECT_THAT(second, HasSubstr("does not start with an HTTP method"));
}

TEST(BadInput, ABodySmallerThanDeclaredTimesOutOrEnds) {
  GatewayOptions options;
  options.body_time_max = milliseconds(30);
  TestServer server(std::move(options));
  const std::string request = "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{\"model\"";
  Client waiting(server);
  const std::string timed_out = waiting.ask(request);
  Client ending(server);
  ending.send(request);
  ending.half_close();
  const std::string ended = ending.read_to_end();
  EXPECT_EQ(status_in(ended), 400);
  EXPECT_THAT(ended, HasSubstr("8 of 50 declared bytes came"));
  // A socket that was cut by its deadline cannot answer any more, so the server must answer first.
  EXPECT_EQ(status_in(timed_out), 408);
  EXPECT_THAT(timed_out, HasSubstr("8 of 50 declared bytes came"));
}

TEST(BadInput, SlowHeadersTimeOut) {
  GatewayOptions options;
  options.header_time_max = milliseconds(30);
  TestServer server(std::move(options));
  Client client(server);
  const std::string response = client.ask("GET /livez HT");
  EXPECT_EQ(status_in(response), 408);
  EXPECT_THAT(response, HasSubstr("too slowly"));
}

TEST(BadInput, IdleConnectionsEndWithoutAWord) {
  GatewayOptions options;
  options.idle_time_max = milliseconds(30);
  TestServer server(std::move(options));
  Client client(server);
  EXPECT_EQ(client.read_to_end(), "");
}

TEST(BadInput, ConnectionsAreBounded) {
  GatewayOptions options;
  options.connections_max = 2;
  TestServer server(std::move(options));
  Client first(server);
  Client second(server);
  EXPECT_THAT(first.ask(get("/livez")), HasSubstr("ok"));
  EXPECT_THAT(second.ask(get("/livez")), HasSubstr("ok"));
  Client third(server);
  EXPECT_EQ(status_in(third.read_to_end()), 503);
  first.close();
  server.until([&] { return server.gateway->connections() == 1; });
  Client fourth(server);
  EXPECT_THAT(fourth.ask(get("/livez")), HasSubstr("ok"));
}

TEST(GoodInput, ExpectContinueIsTold) {
  TestServer server;
  Client client(server);
  const std::string body = chat_body("chat");
  client.send("POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send(body);
  EXPECT_EQ(status_in(client.read_response()), 200);
}

TEST(GoodInput, ChunkedBodiesAndHttp10) {
  TestServer server;
  Client client(server);
  const std::string body = chat_body("chat");
  EXPECT_EQ(status_in(client.ask("POST /v1/chat/completions HTTP/1.1\r\nHost: [::1]:8390\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string("3c\r\n") +
                                 body.substr(0, 60) + "\r\n0\r\n\r\n")),
            200)
      << body.size();
  Client old(server);
  old.send("POST /v1/chat/completions HTTP/1.0\r\nHost: 127.0.0.1\r\nContent-Length: " + std::to_string(chat_body("chat", R"(,"stream":true)").size()) +
           "\r\n\r\n" + chat_body("chat", R"(,"stream":true)"));
  const std::string response = old.read_to_end();
  EXPECT_THAT(response, testing::Not(HasSubstr("chunked")));
  EXPECT_THAT(response, testing::EndsWith("data: [DONE]\n\n"));
}

}  // namespace
}  // namespace ebb::gateway
