// HTTPS as clients see it, and those that break it on the way.
// Compiled alone: names of OpenSSL's are macros.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <random>

#include "gateway/test_server.h"
#include "io/certificate_for_test.h"
#include "io/tls_client_for_test.h"

namespace ebb::gateway {
namespace {

using ::testing::HasSubstr;
using Tls = io::TlsClientForTest;

class TlsGateway : public ::testing::Test {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);
    const io::CertificateForTest made = io::make_certificate();
    identity_ = *io::TlsIdentity::load({.cert = folder_.write("c", made.cert_pem), .key = folder_.write("k", made.key_pem)}, 65'536);
  }
  GatewayOptions options() const {
    GatewayOptions options;
    options.tls = identity_.get();
    return options;
  }
  static void until_alone(TestServer& server) {
    server.until([&server] { return server.gateway->connections() == 0; });
  }

  io::FolderForTest folder_;
  std::unique_ptr<io::TlsIdentity> identity_;
};

std::string response_of(Tls& client) {
  std::string head = client.read_until("\r\n\r\n");
  const size_t at = head.find("Content-Length: ");
  return head + client.read(at == std::string::npos ? 0 : std::stoul(head.substr(at + 16)));
}

TEST_F(TlsGateway, AnswersOneAfterTheOther) {
  TestServer server(options());
  Tls client(server.port);
  for (int i = 0; i < 3; ++i) {
    client.send(post_chat(chat_body("chat")));
    EXPECT_THAT(response_of(client), HasSubstr("Hello there"));
  }
  client.send(get("/livez") + get("/livez", "Connection: close\r\n"));  // both at once
  EXPECT_EQ(status_in(response_of(client)), 200);
  EXPECT_EQ(status_in(client.read_to_end()), 200);
  EXPECT_TRUE(client.ended_well());
}

TEST_F(TlsGateway, AStreamAndALongBody) {
  TestServer server(options());
  Tls client(server.port);
  client.send(post_chat(chat_body("chat", R"(,"stream":true)")));
  EXPECT_THAT(client.read_until("data: [DONE]"), HasSubstr("Hello"));
  client.read_until("0\r\n\r\n");
  const std::string text(3'000'000, 'x');
  client.send(post_chat(R"({"model":"chat","messages":[{"role":"user","content":")" + text + "\"}]}"));
  EXPECT_EQ(status_in(response_of(client)), 200);
}

TEST_F(TlsGateway, TellsWhoSpeaksPlainHttp) {
  TestServer server(options());
  for (const std::string& request : {get("/v1/models"), post_chat(chat_body("chat")), std::string("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n")}) {
    Client client(server);
    client.send(request);
    const std::string answer = client.read_to_end();
    EXPECT_EQ(status_in(answer), 400) << answer;
    EXPECT_THAT(answer, HasSubstr("this port speaks HTTPS"));
  }
  until_alone(server);
}

TEST_F(TlsGateway, AHandshakeHasATimeAndCountsAsAConnection) {
  GatewayOptions with = options();
  with.handshake_time_max = milliseconds(100);
  with.connections_max = 2;
  TestServer server(with);
  Client silent(server);
  Client half(server);
  half.send("\x16\x03\x01\x02");
  server.until([&server] { return server.gateway->connections() == 2; });
  Client third(server);
  EXPECT_EQ(third.read_to_end(), "");
  EXPECT_EQ(silent.read_to_end(), "");
  EXPECT_EQ(half.read_to_end(), "");
  until_alone(server);
}

TEST_F(TlsGateway, ClosesWhatStillShakesHands) {
  TestServer server(options());
  Client silent(server);
  server.until([&server] { return server.gateway->connections() == 1; });
  server.on_loop([&server] { server.gateway->stop_accepting(); });
  EXPECT_EQ(silent.read_to_end(), "");
}

TEST_F(TlsGateway, ABodyThatIsCutIsAClientThatLeft) {
  TestServer server(options());
  {
    Tls client(server.port);
    client.send(post_chat(chat_body("chat")).substr(0, 150));
    client.socket().shutdown(io::TcpSocket::shutdown_send);
    EXPECT_EQ(client.read_to_end(), "");
  }
  Tls polite(server.port);
  polite.send(post_chat(chat_body("chat")).substr(0, 150));
  polite.end_sending();
  EXPECT_THAT(polite.read_to_end(), HasSubstr("the body ended too early"));
}

TEST_F(TlsGateway, WhoLeavesDuringACallCancelsIt) {
  TestServer server(options());
  for (size_t calls = 1; calls <= 2; ++calls) {
    Tls client(server.port);
    client.send(post_chat(chat_body("slow")));
    server.until([&] { return server.platform.seen_.size() == calls; });
    if (calls == 1) client.end_sending();
    client.socket().close();
    server.until([&] { return server.platform.left_.size() == calls; });
  }
  until_alone(server);
}

TEST_F(TlsGateway, NewConnectionsGetTheNewCertificate) {
  TestServer server(options());
  Tls before(server.port);
  const std::string old = before.shown();
  const io::CertificateForTest made = io::make_certificate();
  folder_.write("c", made.cert_pem);
  folder_.write("k", made.key_pem);
  EXPECT_EQ(server.on_loop([this] { return identity_->reload(); }), io::TlsIdentity::Look::kReplaced);
  const Tls after(server.port);
  EXPECT_EQ(after.shown(), made.cert_pem);
  EXPECT_NE(after.shown(), old);
  before.send(get("/livez"));
  EXPECT_EQ(status_in(response_of(before)), 200);
}

// What a client sends for a whole request, as it is on the wire.
std::string recorded(uint16_t port) {
  io::asio::io_context loop;
  io::TcpAcceptor between(loop, {io::asio::ip::address_v4::loopback(), 0});
  std::thread client([at = between.local_endpoint().port()] {
    Tls tls(at);
    tls.send(get("/livez", "Connection: close\r\n"));
    tls.read_to_end();
  });
  io::TcpSocket from = between.accept();
  io::TcpSocket to(loop);
  to.connect({io::asio::ip::address_v4::loopback(), port});
  std::thread back([&] {
    char bytes[16'384];
    io::ErrorCode error;
    while (!error) {
      const size_t count = to.read_some(io::asio::buffer(bytes), error);
      if (!error) io::asio::write(from, io::asio::buffer(bytes, count), error);
    }
    from.shutdown(io::TcpSocket::shutdown_both, error);
  });
  std::string all;
  char bytes[16'384];
  for (io::ErrorCode error; !error;) {
    const size_t count = from.read_some(io::asio::buffer(bytes), error);
    all.append(bytes, count);
    if (!error) io::asio::write(to, io::asio::buffer(bytes, count), error);
  }
  client.join();
  back.join();
  return all;
}

TEST_F(TlsGateway, NothingThatIsCutOrSpoiltHoldsAConnection) {
  GatewayOptions with = options();
  with.handshake_time_max = milliseconds(50);
  with.header_time_max = milliseconds(50);
  TestServer server(with);
  const std::string whole = recorded(server.port);
  ASSERT_GT(whole.size(), 300U);
  const auto seed = std::random_device()();
  std::mt19937 random(seed);
  for (size_t i = 0; i < 300; ++i) {
    std::string bytes = whole.substr(0, random() % (whole.size() + 1));
    if (i % 2 == 1 && !bytes.empty()) bytes[random() % bytes.size()] = static_cast<char>(random());
    Client client(server);
    client.send(bytes);
    switch (i % 3) {
      case 0: client.half_close(); break;
      case 1: client.reset(); break;
      default: break;  // waits
    }
    if (i % 3 != 1) client.read_to_end();
  }
  until_alone(server);
  Tls client(server.port);
  client.send(get("/livez"));
  EXPECT_EQ(status_in(response_of(client)), 200) << "seed " << seed;
}

TEST_F(TlsGateway, AStatusTellsOfTheCertificate) {
  TestServer server(options());
  folder_.write("k", "nonsense");
  EXPECT_EQ(server.on_loop([this] { return identity_->reload(); }), io::TlsIdentity::Look::kBroken);
  Tls client(server.port);
  client.send(get("/ebb/v1/status"));
  const std::string answer = response_of(client);
  EXPECT_THAT(answer, HasSubstr(R"("names":"localhost, 127.0.0.1")"));
  EXPECT_THAT(answer, HasSubstr("what was to replace it is not used: "));
}

// Behind a proxy nobody is on this machine, which makes everybody somebody from elsewhere.
class ForOthers : public ::testing::Test {
 protected:
  static GatewayOptions options() {
    GatewayOptions options;
    options.behind_proxy = true;
    return options;
  }
  static std::string get_as(const TestServer& server, const std::string& path, const std::string& headers = "") {
    return "GET " + path + " HTTP/1.1\r\nHost: ebb.example.com\r\nAuthorization: Bearer " + server.key + "\r\n" + headers + "\r\n";
  }
};

TEST_F(ForOthers, AKeyIsNeededAndAnyNameWillDo) {
  TestServer server(options());
  Client client(server);
  EXPECT_EQ(status_in(client.ask(get_as(server, "/v1/models"))), 200);
  EXPECT_EQ(status_in(client.ask(get_as(server, "/ebb/v1/status"))), 200);
  EXPECT_EQ(status_in(client.ask(get_as(server, "/v1/models", "Origin: https://ebb.example.com\r\n"))), 200);
  EXPECT_EQ(status_in(client.ask(get_as(server, "/v1/models", "Origin: https://evil.example\r\n"))), 403);
  EXPECT_EQ(status_in(client.ask(get_as(server, "/ebb/v1/status", "Origin: https://ebb.example.com\r\n"))), 403);
  EXPECT_EQ(status_in(client.ask(get("/v1/models"))), 401);
  for (const char* who : {"X-Forwarded-For: 127.0.0.1\r\n", "Forwarded: for=127.0.0.1\r\n", "X-Real-IP: ::1\r\n"})
    EXPECT_EQ(status_in(client.ask(get("/v1/models", who))), 401) << who;
}

TEST_F(ForOthers, MetricsNeedAKeyAndProbesDoNot) {
  TestServer server(options());
  Client client(server);
  EXPECT_EQ(status_in(client.ask(get("/readyz"))), 200);
  EXPECT_EQ(status_in(client.ask(get("/metrics"))), 401);
  EXPECT_THAT(client.ask(get_as(server, "/metrics")), HasSubstr("ebb_build_info"));
}

TEST_F(ForOthers, WithoutTheLastKeyNobodyMay) {
  TestServer server(options());
  server.on_loop([&server] { return server.keyring->revoke(server.keyring->keys().front().id, server.clock.wall()).has_value(); });
  Client client(server);
  for (const std::string& request : {get("/v1/models"), get_as(server, "/v1/models"), get("/ebb/v1/status"), get("/metrics")}) {
    const std::string answer = client.ask(request);
    EXPECT_EQ(status_in(answer), 401) << request;
    EXPECT_THAT(answer, HasSubstr("has no keys any more"));
  }
  EXPECT_EQ(status_in(client.ask(get("/livez"))), 200);
}

TEST_F(ForOthers, OnThisMachineKeysStayOptional) {
  GatewayOptions every_address;
  every_address.host = "::";
  const io::FolderForTest folder;
  const io::CertificateForTest made = io::make_certificate();
  const auto identity = *io::TlsIdentity::load({.cert = folder.write("c", made.cert_pem), .key = folder.write("k", made.key_pem)}, 65'536);
  every_address.tls = identity.get();
  TestServer server(every_address);
  server.on_loop([&server] { return server.keyring->revoke(server.keyring->keys().front().id, server.clock.wall()).has_value(); });
  Tls client(server.port);  // by IPv4, which comes as ::ffff:127.0.0.1
  client.send(get("/v1/models"));
  EXPECT_EQ(status_in(response_of(client)), 200);
  client.send("GET /v1/models HTTP/1.1\r\nHost: rebound.example\r\n\r\n");
  EXPECT_EQ(status_in(response_of(client)), 421);
}

}  // namespace
}  // namespace ebb::gateway
