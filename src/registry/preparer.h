// Prepares models by the program for their format (ebb-prepare-onnx, ebb-prepare-llama), one at a time, so that workers start from what was made rather than
// from the model alone. What is missing or cannot be made is no error of the model: it only starts or computes slower.
//
// On the loop of `executor`, which must be single-threaded.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "domain/model.h"
#include "io/asio.h"
#include "registry/content_store.h"
#include "registry/prepared_files.h"

namespace ebb::registry {

class ChildProcess;

struct PreparerOptions {
  std::map<domain::ModelFormat, std::string> programs;  // their paths; where there is none, nothing is prepared
  milliseconds time_max{600'000};                       // for one model; the largest that a package holds take a few minutes
  milliseconds key_time_max{5'000};                     // to load the library and say its key
};

class Preparer {
 public:
  // `store` and `files` must outlive it, and it the work that it started.
  Preparer(io::Executor executor, const ContentStore& store, const PreparedFiles& files, PreparerOptions options);

  // Asks the programs for their keys; before that, nothing is found or prepared. Once.
  io::Task<void> start();
  // Ends what runs and forgets what waits.
  void stop();

  // What was prepared of this model; nullopt: nothing, yet.
  std::optional<Fd> open(const domain::Model& model) const;
  // Prepares it when those before are done, unless it was.
  void want(const domain::Model& model);
  // The model was removed.
  void forget(const domain::Digest& digest);
  // Waits until it is no longer wanted: done, failed, or stopped.
  io::Task<void> settled(domain::Digest digest);

  struct Prepared {
    std::string why_not = {};   // nothing is prepared of it; empty: it is
    bool tokens_alike = false;  // wire::WeightLayout::tokens_alike
  };
  Prepared look_for(const domain::Model& model) const;

 private:
  struct Program {
    std::string path;
    std::string key;      // empty: not known
    std::string why_not;  // no key

    std::string name() const;
  };
  struct Work {
    domain::Digest digest;
    uint64_t bytes = 0;
    domain::ModelFormat format{};
  };
  io::Task<void> ask_key(Program& program);
  io::Task<void> work();
  io::Task<void> prepare(Work one);
  // All that the program printed, and its end. `error` is the library's word.
  io::Task<Result<std::string>> follow(std::shared_ptr<ChildProcess> child, milliseconds time_max);
  Status publish(const std::string& printed, const Work& one, const Program& program, int file);
  const Program* program_for(const domain::Model& model) const;
  bool is_wanted(const domain::Digest& digest) const;

  io::Executor executor_;
  const ContentStore& store_;
  const PreparedFiles& files_;
  PreparerOptions options_;
  std::map<domain::ModelFormat, Program> programs_;
  std::deque<Work> waiting_;  // the first is being worked at
  bool working_ = false;
  bool stopped_ = false;
  std::weak_ptr<ChildProcess> running_;
  std::map<domain::Digest, std::string> failed_;
  io::Timer changed_;  // never expires by itself: cancelled when there is news
};

}  // namespace ebb::registry
