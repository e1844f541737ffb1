// The answer to a request with an Idempotency-Key: recorded while it is given, and kept before the client has the end of it.
//
//   claimed ─ begin_calls ─► begun, durable ─ invoked ─► answered ─ end ─► kept, durable: the key is free for repeats
//
// What ends before begin_calls leaves nothing, nor does what was refused or broke without costing anything. Lives on the server's loop.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "domain/kept_answer.h"
#include "gateway/recorded_answer.h"
#include "invoke/call_streams.h"
#include "io/asio.h"

namespace ebb::gateway {

struct Services;

// Requests with a key that are being answered.
struct KeyedCalls {
  struct Running {
    std::string parameters;
    bool over = false;
    std::vector<std::shared_ptr<io::Timer>> waiting = {};  // repeats; cancelled when it is over
  };
  std::map<std::string, std::shared_ptr<Running>> running = {};  // by id, see domain::KeptAnswer
  int waiting = 0;                                               // repeats of all of them
  size_t recorded_bytes = 0;                                     // of all answers
};

// Nobody else is answered by this key while this is.
class Claim {
 public:
  Claim(KeyedCalls& calls, std::string id, std::string parameters);
  ~Claim();
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;

 private:
  KeyedCalls& calls_;
  std::string id_;
};

class KeyedAnswer {
 public:
  // `kept`: id, tenant, parameters and request.
  KeyedAnswer(Services& services, std::unique_ptr<Claim> claim, domain::KeptAnswer kept);
  ~KeyedAnswer();
  KeyedAnswer(const KeyedAnswer&) = delete;
  KeyedAnswer& operator=(const KeyedAnswer&) = delete;

  // Calls are about to be invoked, under ids that begin with the one it gives. Error: they must not be.
  io::Task<Result<CallId>> begin_calls(std::string endpoint, size_t count);
  // They were, or some until one was refused, and the others left.
  void invoked(std::shared_ptr<invoke::CallStreams> calls) { calls_ = std::move(calls); }

  // As the client gets it. A whole answer's body is added too.
  void start(const Response& head, std::optional<uint64_t> length);
  void add(std::string_view piece);
  void set_trailers(const std::vector<std::pair<std::string, std::string>>& trailers) { recorded_.trailers = trailers; }
  io::Task<void> end(AnswerForm form);

 private:
  io::Task<std::optional<bool>> counts();
  void release();

  Services& services_;
  std::unique_ptr<Claim> claim_;
  domain::KeptAnswer kept_;
  std::shared_ptr<invoke::CallStreams> calls_;
  RecordedAnswer recorded_;
  size_t counted_bytes_ = 0;  // of all recorded_bytes, until they are on the disk
  bool begun_ = false;
  bool too_large_ = false;
};

}  // namespace ebb::gateway
