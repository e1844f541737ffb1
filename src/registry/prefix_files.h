// The files in which workers of language models keep what parked sequences knew (engine_llama/prefix_file.h): <home>/prefixes/<endpoint>-<the rest>.
//
// One for each endpoint, model and length of context, with a key of its own: names and keys are derived (HMAC-SHA-256) from a secret of this home, so
// that no file of another endpoint or home is ever believed. The server opens, counts and removes them and never reads one: a worker wrote it. Each may be
// lost: it costs computing a prompt again.
//
// Lives on the server's loop; a loan costs a few system calls.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/ids.h"
#include "base/result.h"
#include "domain/model.h"

namespace ebb::registry {

struct PrefixBounds {
  uint64_t file_bytes_max = 0;   // that a worker may make of one
  uint64_t bytes_max = 0;        // of all; a lent one counts with all that it may become
  uint64_t disk_bytes_free = 0;  // with less left on the disk nothing is lent
};
// Of domain/prefix_limits.h.
PrefixBounds default_prefix_bounds();

class PrefixFiles {
 public:
  struct Loan {
    Fd file;          // for reading and writing
    std::string key;  // 32 bytes, for the worker's seals
  };

  // Makes the folder and the secret if they are missing. A secret that is damaged is made anew, and the files with it.
  static Result<PrefixFiles> open(const std::string& folder, PrefixBounds bounds = default_prefix_bounds());

  // Until give_back(worker). Files that nobody used for longest go to make room. nullopt: another worker has it, or there is no room.
  std::optional<Loan> lend(WorkerId worker, const std::string& endpoint, const domain::Digest& model, int64_t context_tokens);
  // The worker is gone. Nothing happens if nothing was lent to it.
  void give_back(WorkerId worker);
  // All files of an endpoint that was removed; one that is lent goes from the folder now and from the disk with its worker.
  void remove(const std::string& endpoint);

  size_t count() const { return files_.size(); }
  uint64_t bytes() const;

 private:
  struct Known {
    uint64_t bytes = 0;
    uint64_t used = 0;  // rises with every loan
    std::optional<WorkerId> lent;
  };
  using Secret = std::array<uint8_t, 32>;

  PrefixFiles(Fd folder, Secret secret, PrefixBounds bounds) : folder_(std::move(folder)), secret_(secret), bounds_(bounds) {}
  void take_over();
  void drop_all();
  bool make_room();
  domain::Digest derived(std::string_view purpose, std::string_view of) const;
  std::string name_prefix(const std::string& endpoint) const;

  Fd folder_;
  Secret secret_;
  PrefixBounds bounds_;
  std::map<std::string, Known> files_;
  uint64_t loans_ = 0;
};

}  // namespace ebb::registry
