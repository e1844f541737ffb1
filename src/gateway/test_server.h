// For tests: a gateway on a free loopback port over fakes, its loop in a thread, and a raw client that sees every byte.
#pragma once

#include <future>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>

#include "gateway/fake_platform.h"
#include "gateway/gateway.h"
#include "io/folder_for_test.h"

namespace ebb::gateway {

class TestServer {
 public:
  explicit TestServer(GatewayOptions options = {}) {
    options.port = 0;
    if (!options.random) options.random = [] { return uint64_t{0x1111111111111111}; };
    platform.add_endpoint("chat", answering());
    platform.add_endpoint("slow", {});
    accounts = std::move(*store::Accounts::open(home.path()));
    keyring = std::move(*ledger::Keyring::load(*accounts, home.path() / "key-pepper"));
    audit = std::make_unique<ledger::Audit>(*accounts);
    answers = std::make_unique<ledger::AnswerLog>(std::move(*store::Answers::open(home.path())), clock);
    if (options.behind_proxy || options.host != GatewayOptions().host) make_key();
    gateway = std::make_unique<Gateway>(
        loop.get_executor(), platform, models, images, bills,
        Accounts{.keyring = *keyring, .budgets = budgets, .prices = prices, .limits = limits, .seals = seals, .audit = *audit, .answers = *answers}, clock,
        std::move(options));
    const Result<uint16_t> bound = gateway->listen();
    if (!bound) throw std::runtime_error(bound.error().message);
    port = *bound;
    thread = std::thread([this] { loop.run(); });
  }
  ~TestServer() {
    on_loop([this] { gateway->close_all(); });
    while (on_loop([this] { return gateway->connections(); }) > 0)
      std::this_thread::yield();
    work.reset();
    loop.stop();
    thread.join();
  }

  static FakePlatform::Script answering() {
    FakePlatform::Script script;
    script.events = {domain::Started{.prompt_tokens = 9}, domain::Text{.text = "Hello", .tokens = 1}, domain::Text{.text = " there", .tokens = 1},
                     domain::Finished{.reason = domain::FinishReason::kStop, .prompt_tokens = 9, .completion_tokens = 2}};
    return script;
  }

  // An admin's, without which it would not listen for others. Before the loop runs, or on it.
  void make_key() {
    if (!keyring->add_tenant("us", clock.wall())) throw std::runtime_error("no tenant");
    key = keyring->create({.tenant = "us", .scopes = domain::Scopes{domain::Scope::kAdmin}}, clock.wall()).value().text;
  }

  // Runs on the loop and waits for it: the only way to touch the fakes.
  template <class F>
  std::invoke_result_t<F> on_loop(F&& f) {
    std::packaged_task<std::invoke_result_t<F>()> task(std::forward<F>(f));
    auto result = task.get_future();
    io::asio::post(loop, [&task] { task(); });
    return result.get();
  }
  // Turns of the loop until it is true; a test that would wait for ever is ended by its runner.
  template <class F>
  void until(F&& holds) {
    while (!on_loop([&holds] { return static_cast<bool>(holds()); }))
      std::this_thread::yield();
  }

  io::asio::io_context loop{1};
  io::asio::executor_work_guard<io::Executor> work{loop.get_executor()};
  io::FakeClock clock;
  FakePlatform platform{loop.get_executor()};
  FakeModels models;
  FakeImages images;
  FakeBills bills;
  FakeBudgets budgets;
  FakePrices prices;
  FakeLimits limits;
  FakeSeals seals;
  io::FolderForTest home;
  std::unique_ptr<store::Accounts> accounts;
  std::unique_ptr<ledger::Keyring> keyring;
  std::unique_ptr<ledger::Audit> audit;
  std::unique_ptr<ledger::AnswerLog> answers;
  std::unique_ptr<Gateway> gateway;
  uint16_t port = 0;
  std::string key;
  std::thread thread;
};

class Client {
 public:
  explicit Client(const TestServer& server) : Client(server.port) {}
  explicit Client(uint16_t port) { socket_.connect({io::asio::ip::address_v4::loopback(), port}); }

  // False: the server did not take all of it.
  bool send(std::string_view bytes) {
    io::ErrorCode error;
    io::asio::write(socket_, io::asio::buffer(bytes), error);
    return !error;
  }
  void half_close() { socket_.shutdown(io::TcpSocket::shutdown_send); }
  // A reset, as of a process that was killed.
  void reset() {
    socket_.set_option(io::asio::socket_base::linger(true, 0));
    socket_.close();
  }
  void close() { socket_.close(); }
  // Until what was read since the last call contains the text; what the server closed early comes back as it is.
  std::string read_until(std::string_view text) {
    while (pending_.find(text) == std::string::npos && read_some()) {
    }
    const size_t end = pending_.find(text);
    return take(end == std::string::npos ? pending_.size() : end + text.size());
  }
  std::string read_to_end() {
    while (read_some()) {
    }
    return take(pending_.size());
  }
  // One response with Content-Length.
  std::string read_response() {
    std::string head = read_until("\r\n\r\n");
    const size_t at = head.find("Content-Length: ");
    const size_t length = at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
    while (pending_.size() < length && read_some()) {
    }
    return head + take(length);
  }
  std::string ask(std::string_view request) { return send(request) ? read_response() : read_to_end(); }

 private:
  bool read_some() {
    char chunk[16384];
    io::ErrorCode error;
    const size_t count = socket_.read_some(io::asio::buffer(chunk), error);
    pending_.append(chunk, count);
    return !error;
  }
  std::string take(size_t count) {
    std::string out = pending_.substr(0, count);
    pending_.erase(0, out.size());
    return out;
  }

  io::asio::io_context loop_;
  io::TcpSocket socket_{loop_};
  std::string pending_;
};

inline std::string post_chat(const std::string& body, const std::string& headers = "") {
  return "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + headers +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}
inline std::string chat_body(const std::string& endpoint, const std::string& more = "") {
  return R"({"model":")" + endpoint + R"(","messages":[{"role":"user","content":"hi"}])" + more + "}";
}
inline std::string get(const std::string& path, const std::string& headers = "") {
  return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + headers + "\r\n";
}
inline int status_in(const std::string& response) { return response.size() < 12 ? 0 : std::atoi(response.c_str() + 9); }

}  // namespace ebb::gateway
