// The work of ebb-fetch: one request, one model in the store.
#pragma once

#include <functional>

#include "base/fd.h"
#include "base/result.h"
#include "registry/fetch_protocol.h"

namespace ebb::registry {

// Opens the source, confines the process, then brings, hashes, checks and publishes the model. `store` is the store's directory.
Result<FetchResult> run_fetch(const FetchRequest& request, Fd store, const std::function<void(const FetchProgress&)>& progress);

}  // namespace ebb::registry
