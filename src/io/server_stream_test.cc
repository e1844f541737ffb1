// The same stream plain and with TLS, against a client that blocks on a thread of its own.
// Compiled alone: names of OpenSSL's are macros.
#include "io/server_stream.h"

#include <gtest/gtest.h>

#include <csignal>
#include <functional>
#include <thread>

#include "io/certificate_for_test.h"
#include "io/folder_for_test.h"
#include "io/tls_client_for_test.h"

namespace ebb::io {
namespace {

using Shake = ServerStream::Shake;

std::string text_of(size_t bytes) {
  std::string text(bytes, '\0');
  uint32_t state = 1;
  for (char& c : text)
    c = static_cast<char>('a' + (state = state * 1'664'525 + 1'013'904'223) % 26);
  return text;
}

// A loop that runs `serve` with one accepted stream, while `client` is on another thread.
class ServerStreamTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);
    const CertificateForTest made = make_certificate();
    pair_ = *TlsPair::read({.cert = folder_.write("c", made.cert_pem), .key = folder_.write("k", made.key_pem)}, 65'536);
    cert_ = made.cert_pem;
  }

  using Serve = std::function<Task<void>(ServerStream&)>;
  void run(const Serve& serve, const std::function<void(uint16_t)>& client, bool tls = true) {
    TcpAcceptor acceptor(loop_, {asio::ip::address_v4::loopback(), 0});
    std::thread other([&client, port = acceptor.local_endpoint().port()] { client(port); });
    TcpSocket socket = acceptor.accept();
    socket.non_blocking(true);
    ServerStream stream(std::move(socket), tls ? pair_ : nullptr);
    asio::co_spawn(loop_, serve(stream), [&stream](const std::exception_ptr& problem) {
      stream.close();
      if (problem) std::rethrow_exception(problem);
    });
    loop_.restart();
    loop_.run();
    other.join();
  }

  static Task<Shake> shake(ServerStream& stream) {
    Shake shake = stream.shake_hands();
    while (shake == Shake::kNeedsBytes || shake == Shake::kNeedsRoom) {
      const auto what = shake == Shake::kNeedsBytes ? asio::socket_base::wait_read : asio::socket_base::wait_write;
      co_await stream.socket().async_wait(what, use_awaitable);
      shake = stream.shake_hands();
    }
    co_return shake;
  }

  // As a connection reads: waits, then takes what is there.
  static Task<std::string> read_to_end(ServerStream& stream, size_t at_once, ErrorCode& end, size_t bytes_max = SIZE_MAX) {
    std::string all;
    std::string piece(at_once, '\0');
    end = {};
    Timer woken(stream.socket().get_executor());
    while (!end && all.size() < bytes_max) {
      bool inside = true;
      woken.expires_at(Timer::time_point::max());
      stream.when_readable([&](ErrorCode) {
        EXPECT_FALSE(inside);
        woken.cancel();
      });
      inside = false;
      co_await woken.async_wait(asio::as_tuple(use_awaitable));
      const size_t count = stream.read_some(asio::buffer(piece), end);
      all.append(piece, 0, count);
      if (end == asio::error::would_block) end = {};
    }
    co_return all;
  }

  static Task<ErrorCode> write_all(ServerStream& stream, const std::string& bytes, bool& waited) {
    ErrorCode error;
    size_t done = stream.write_some(asio::buffer(bytes), error);
    waited = done < bytes.size();
    if (error == asio::error::would_block) error = {};
    while (!error && done < bytes.size()) {
      const auto [failed, count] = co_await stream.async_write_some(asio::buffer(bytes.data() + done, bytes.size() - done));
      error = failed;
      done += count;
    }
    co_return error;
  }

  FolderForTest folder_;
  std::shared_ptr<const TlsPair> pair_;
  std::string cert_;
  asio::io_context loop_{1};
};

TEST_F(ServerStreamTest, BytesPassBothWaysWhateverIsReadAtOnce) {
  for (const size_t at_once : {1U, 100U, 16'384U, 65'536U}) {
    const std::string sent = text_of(at_once == 1 ? 40'000 : 3'000'000);
    std::string came, back;
    ErrorCode end;
    run(
        [&](ServerStream& stream) -> Task<void> {
          const Shake shaken = co_await shake(stream);
          EXPECT_EQ(shaken, Shake::kDone);
          came = co_await read_to_end(stream, at_once, end);
          bool waited = false;
          const ErrorCode failed = co_await write_all(stream, came, waited);
          EXPECT_FALSE(failed);
          stream.end_sending();
        },
        [&](uint16_t port) {
          TlsClientForTest client(port);
          client.send(sent);
          client.end_sending();
          back = client.read_to_end();
          EXPECT_TRUE(client.ended_well());
        });
    EXPECT_EQ(end, asio::error::eof);
    EXPECT_EQ(came, sent);
    EXPECT_EQ(back, sent);
  }
}

TEST_F(ServerStreamTest, WhatWasDecryptedIsSeenThoughNothingMoreComes) {
  const std::string sent = text_of(100);
  std::string came, back;
  ErrorCode end;
  run(
      [&](ServerStream& stream) -> Task<void> {
        co_await shake(stream);
        came = co_await read_to_end(stream, 1, end, sent.size());
        bool waited = false;
        co_await write_all(stream, came, waited);
        stream.end_sending();
      },
      [&](uint16_t port) {
        TlsClientForTest client(port);
        client.send(sent);
        back = client.read_to_end();
      });
  EXPECT_EQ(back, sent);
}

TEST_F(ServerStreamTest, AnEndBehindAWholeRecordIsSeen) {
  const std::string sent = text_of(SSL3_RT_MAX_PLAIN_LENGTH);
  std::string came;
  ErrorCode end;
  run(
      [&](ServerStream& stream) -> Task<void> {
        co_await shake(stream);
        came = co_await read_to_end(stream, 65'536, end);
        stream.end_sending();
      },
      [&](uint16_t port) {
        TlsClientForTest client(port);
        client.send(sent);
        client.end_sending();
        client.read_to_end();  // the socket stays open until the server has seen the end
      });
  EXPECT_EQ(came, sent);
  EXPECT_EQ(end, asio::error::eof);
}

TEST_F(ServerStreamTest, AWriteWaitsForASlowReader) {
  const std::string sent = text_of(20'000'000);
  bool waited = false;
  std::string came;
  run(
      [&](ServerStream& stream) -> Task<void> {
        co_await shake(stream);
        const ErrorCode failed = co_await write_all(stream, sent, waited);
        EXPECT_FALSE(failed);
        stream.end_sending();
      },
      [&](uint16_t port) { came = TlsClientForTest(port).read_to_end(); });
  EXPECT_TRUE(waited);
  EXPECT_EQ(came, sent);
}

TEST_F(ServerStreamTest, AStreamThatIsCutIsNoEnd) {
  std::string came;
  ErrorCode end;
  run(
      [&](ServerStream& stream) -> Task<void> {
        co_await shake(stream);
        came = co_await read_to_end(stream, 1000, end);
      },
      [](uint16_t port) {
        TlsClientForTest client(port);
        client.send("half of it");
        client.socket().shutdown(TcpSocket::shutdown_send);
        client.read_to_end();
        EXPECT_FALSE(client.ended_well());  // nor is the answer's
      });
  EXPECT_EQ(came, "half of it");
  EXPECT_EQ(end, asio::error::connection_reset);
}

TEST_F(ServerStreamTest, NewKeysInTheMiddleAreNoBytes) {
  std::string came, back;
  ErrorCode end;
  run(
      [&](ServerStream& stream) -> Task<void> {
        co_await shake(stream);
        came = co_await read_to_end(stream, 7, end);
        bool waited = false;
        co_await write_all(stream, came, waited);
        stream.end_sending();
      },
      [&](uint16_t port) {
        TlsClientForTest client(port);
        for (int i = 0; i < 20; ++i) {
          client.send("some " + std::to_string(i) + " ");
          client.new_keys();
        }
        client.end_sending();
        back = client.read_to_end();
      });
  EXPECT_EQ(end, asio::error::eof);
  EXPECT_EQ(back, came);
  EXPECT_EQ(came.substr(0, 14), "some 0 some 1 ");
}

TEST_F(ServerStreamTest, VersionsAndProtocols) {
  struct Row {
    TlsClientSettings settings;
    const char* version;  // nullptr: refused
  };
  const Row rows[] = {{{}, "TLSv1.3"},
                      {{.version_max = TLS1_2_VERSION}, "TLSv1.2"},
                      {{.version_max = TLS1_1_VERSION}, nullptr},
                      {{.version_max = TLS1_2_VERSION, .ciphers = "AES128-SHA"}, nullptr},
                      {{.alpn = ""}, "TLSv1.3"},
                      {{.alpn = "h2"}, nullptr}};
  for (const Row& row : rows) {
    Shake shaken = Shake::kDone;
    run(
        [&](ServerStream& stream) -> Task<void> {
          shaken = co_await shake(stream);
          if (shaken == Shake::kFailed) {
            EXPECT_NE(stream.trouble(), "");
            EXPECT_FALSE(stream.is_tls());
          }
        },
        [&](uint16_t port) {
          const TlsClientForTest client(port, row.settings);
          ASSERT_EQ(client.connected(), row.version != nullptr);
          if (!client.connected()) return;
          EXPECT_EQ(client.version(), row.version);
          EXPECT_EQ(client.alpn(), row.settings.alpn);
          EXPECT_EQ(client.shown(), cert_);
        });
    EXPECT_EQ(shaken, row.version != nullptr ? Shake::kDone : Shake::kFailed);
  }
}

TEST_F(ServerStreamTest, WhatIsNoHandshake) {
  struct Row {
    std::string bytes;
    Shake shaken;
  };
  const Row rows[] = {{"GET / HTTP/1.1\r\n\r\n", Shake::kPlainHttp},    {"O", Shake::kPlainHttp},         {"", Shake::kFailed},
                      {std::string(300, '\x16'), Shake::kFailed},       {"\x16\x03\x01", Shake::kFailed}, {std::string(100, '\0'), Shake::kFailed},
                      {"\x80\x2e\x01\x03\x01 of SSL 2", Shake::kFailed}};
  for (const Row& row : rows) {
    std::string came;
    ErrorCode end;
    Shake shaken = Shake::kDone;
    run(
        [&](ServerStream& stream) -> Task<void> {
          shaken = co_await shake(stream);
          if (shaken == Shake::kPlainHttp) came = co_await read_to_end(stream, 1000, end);
        },
        [&row](uint16_t port) {
          asio::io_context loop;
          TcpSocket socket(loop);
          socket.connect({asio::ip::address_v4::loopback(), port});
          ErrorCode ignored;
          asio::write(socket, asio::buffer(row.bytes), ignored);
          socket.shutdown(TcpSocket::shutdown_send, ignored);
          char rest[1000];
          while (!ignored)
            socket.read_some(asio::buffer(rest), ignored);
        });
    EXPECT_EQ(shaken, row.shaken) << row.bytes;
    EXPECT_EQ(came, row.shaken == Shake::kPlainHttp ? row.bytes : "");
  }
}

TEST_F(ServerStreamTest, PlainIsTheSocket) {
  const std::string sent = text_of(5'000'000);
  std::string came, back(sent.size(), '\0');
  ErrorCode end;
  run(
      [&](ServerStream& stream) -> Task<void> {
        EXPECT_FALSE(stream.is_tls());
        came = co_await read_to_end(stream, 65'536, end);
        bool waited = false;
        co_await write_all(stream, came, waited);
        stream.end_sending();
      },
      [&](uint16_t port) {
        asio::io_context loop;
        TcpSocket socket(loop);
        socket.connect({asio::ip::address_v4::loopback(), port});
        asio::write(socket, asio::buffer(sent));
        socket.shutdown(TcpSocket::shutdown_send);
        asio::read(socket, asio::buffer(back));
      },
      false);
  EXPECT_EQ(end, asio::error::eof);
  EXPECT_EQ(came, sent);
  EXPECT_EQ(back, sent);
}

}  // namespace
}  // namespace ebb::io
