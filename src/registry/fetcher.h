// Runs ebb-fetch for the server: starts it, follows its lines, and ends with its result. The server itself never reads a model.
//
// On the loop of `executor`, which must be single-threaded. A fetch that says nothing for `silence_max` is killed, so is one that is
// stopped; what is half done has no final name and is cleared by ContentStore::clear_staging, or resumed.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include "base/result.h"
#include "base/time.h"
#include "io/asio.h"
#include "registry/content_store.h"
#include "registry/fetch_protocol.h"

namespace ebb::registry {

class ChildProcess;

struct FetcherOptions {
  std::string program;  // the path of ebb-fetch
  int running_max = 2;
  milliseconds silence_max{60'000};
};

// Held by whoever wants a fetch to end early; may be used before, during and after it.
class FetchStop {
 public:
  void stop() {
    stopped_ = true;
    if (on_stop_) std::exchange(on_stop_, nullptr)();
  }
  bool stopped() const { return stopped_; }

 private:
  friend class Fetcher;
  bool stopped_ = false;
  std::function<void()> on_stop_;
};

class Fetcher {
 public:
  // `store` must outlive the fetcher, and the fetcher every fetch.
  Fetcher(io::Executor executor, const ContentStore& store, FetcherOptions options)
      : executor_(std::move(executor)), store_(store), options_(std::move(options)) {}

  // The model is in the store under result.digest when this succeeds. `progress` is called on the loop, may be empty. Errors: those
  // of ebb-fetch; kOverloaded when too many run; kCancelled when stopped; kTimeout when it stalls; kInternal when it dies.
  io::Task<Result<FetchResult>> fetch(FetchRequest request, std::function<void(const FetchProgress&)> progress = {}, std::shared_ptr<FetchStop> stop = {});

  // The same for an image, into the image store whose directory is `store`, which the caller looks into afterwards.
  io::Task<Result<ImageFetchResult>> fetch_image(ImageFetchRequest request, int store, std::function<void(const FetchProgress&)> progress = {},
                                                 std::shared_ptr<FetchStop> stop = {});

  int running() const { return running_; }

 private:
  using Fetched = std::variant<FetchResult, ImageFetchResult>;
  io::Task<Result<Fetched>> run(json::value request, int store, std::function<void(const FetchProgress&)> progress, std::shared_ptr<FetchStop> stop);
  io::Task<Result<Fetched>> follow(std::shared_ptr<ChildProcess> child, std::function<void(const FetchProgress&)> progress);

  io::Executor executor_;
  const ContentStore& store_;
  FetcherOptions options_;
  int running_ = 0;
};

}  // namespace ebb::registry
