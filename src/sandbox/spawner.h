// The spawner: one thread, one socket to the server, and the processes that it started.
//
// Keeps blank workers of each engine ready, so that a cold call pays neither for exec nor for dynamic linking; hands one over on Spawn and
// makes the next when nothing else is to be done. Reaps everything. When the server is gone it kills all and ends.
//
// A container worker gets as its argument the id that its container is to have. When it has ended, ebb-container-end ends what is left of that: a
// worker that was killed cannot, and a sealed one may not.
#pragma once

#include <sys/types.h>

#include <deque>
#include <map>
#include <set>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "base/time.h"
#include "io/clock.h"
#include "wire/frame.h"

namespace ebb::sandbox {

// Blanks of one engine at most, and how fast they are made again when they die at once.
inline constexpr int kBlanksMax = 16;
inline constexpr size_t kPoolsMax = 16;  // there are fewer engines
inline constexpr milliseconds kRefillPauseMin{100};
inline constexpr milliseconds kRefillPauseMax{10'000};

class Spawner {
 public:
  // `programs`: the folder with ebb-worker-<engine>. `server`: the channel, non-blocking.
  // `containers`: what the ids of containers begin with; empty: there are none.
  Spawner(Fd server, std::string programs, const io::Clock& clock, std::string containers = {});

  // Until the server is gone. Returns the exit status of the process.
  int run();

 private:
  struct Child {
    uint64_t token = 0;  // 0: a blank
    std::string engine;
    Fd channel;  // of a blank: the server's end, until it is handed over
    MonoTime started{};
    std::string container;  // the id of its container, if it may have one
  };
  struct Pool {
    int wanted = 0;
    milliseconds pause{0};
    MonoTime next{};  // no refill before …
    MonoTime calm{};  // … nor before this while any is ready
    void back_off(MonoTime now);
  };

  bool take_frames();  // false: the server is gone
  void take(const wire::Frame& frame);
  void hand_over(uint64_t token, const std::string& engine);
  void resize_pool(const std::string& engine, int blanks);  // what is too many is ended
  void kill_token(uint64_t token);
  void reap();
  // Makes one blank where one is missing. Returns how long the loop may wait until the next is due; -1: for ever.
  int refill();
  Result<pid_t> start(const std::string& engine);
  // What this machine has for containers, told once it is known.
  void describe_containers();
  void read_description();
  // Waits for as long as ebb-container-end takes.
  void end_containers(const std::string& ids) const;
  void send(wire::FrameType type, const std::string& body, int attachment = -1);
  void end_all();
  void reap_orphans();

  Fd server_;
  std::string programs_;
  const io::Clock& clock_;
  Fd child_signals_;
  wire::FrameReader reader_;
  std::map<pid_t, Child> children_;
  std::map<std::string, Pool> pools_;
  std::set<pid_t> endings_;  // that watch what is left of containers
  std::string containers_;   // also ours alone: with our process id
  std::string container_end_;
  Fd describing_;  // until the description is whole
  std::string description_;
  uint64_t last_container_ = 0;
};

}  // namespace ebb::sandbox
