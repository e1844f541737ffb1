// The worker's channel with the server as the rest of this module uses it: frames out in words, frames in as they come.
//
// One thread. What is said while a handler of the loop runs is written together after it, so that the server wakes once for it. Writes wait for the server, as
// worker/channel.h says; once it is gone they do nothing, and gone() is true.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "domain/call.h"
#include "io/asio.h"
#include "worker/channel.h"

namespace ebb::function {

class ServerLink {
 public:
  ServerLink(io::Executor executor, Fd channel);

  // Readable when next() may have something.
  int descriptor() const { return watched_.get(); }
  Result<std::optional<wire::Frame>> next() { return channel_.next(); }
  bool gone() const { return gone_; }
  // Writes what was said so far: for whoever ends without another turn of the loop, or says what must be known before anything else happens.
  void flush();

  // Of the worker.
  void blank(std::string_view version);
  void progress();
  void ready(int slots);
  void parked();
  void load_failed(std::string_view why);
  void log(std::string_view line);
  void egress(int listener);

  // Of a call, in the order that instance/worker_link.cc holds us to.
  void started(CallId call);
  void head(CallId call, const domain::HttpHead& head);
  void bytes(CallId call, std::string_view piece);
  void trailers(CallId call, const domain::Trailers& trailers);
  void taken(CallId call, size_t bytes);
  void finished(CallId call);
  void cancelled(CallId call);
  void refused(CallId call, const Error& error);

 private:
  void say(wire::FrameType type, CallId call, std::string_view body);
  void write(std::string_view frames);

  io::Executor executor_;
  Fd watched_;  // the same socket
  worker::Channel channel_;
  std::string unwritten_;
  bool gone_ = false;
};

}  // namespace ebb::function
